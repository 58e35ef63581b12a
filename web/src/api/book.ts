import type { AttemptDetail, OfflineBook, OfflineRun, RunPage, SearchPage, StepDetail, WireContext } from './wire.ts';

/** An address that the book has nothing for. */
export class NotInBook extends Error {}

/** What a page that opens without a server answers with: the same values for the same addresses. */
export interface Book {
  /** The run that the page opens with. */
  readonly runId: string;
  /** The run that it is compared with in this page; `null` when there is none. */
  readonly otherId: string | null;
  /** The value at an address. Throws `NotInBook` for what is not in the page. */
  answer(path: string): unknown;
  /** The run file of a run, byte for byte; `null` when the page does not hold it. */
  readRunFile(runId: string): Promise<Uint8Array<ArrayBuffer> | null>;
}

async function unpack(base64: string): Promise<Uint8Array<ArrayBuffer>> {
  const packed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function refuse(what: string): never {
  throw new NotInBook(what);
}

function toContext(book: OfflineBook, run: OfflineRun, number: number, from: number): WireContext {
  const context = run.contexts[number];
  if (context === undefined) return { messages: [], tools: [], newFrom: 0, length: 0, missing: 0 };
  return {
    ...context,
    messages: context.messages
      .filter(([index]) => index >= from)
      .map(([index, message, isNew, mark]) => ({ ...book.messages[message]!, index, isNew, mark })),
    tools: context.tools.map((tool) => book.tools[tool]!),
  };
}

function toAttempt(book: OfflineBook, run: OfflineRun, step: StepDetail, number: number): AttemptDetail {
  const attempt = step.attempts.find((each) => each.number === number) ?? refuse(`There is no attempt ${number}.`);
  const bodies = run.bodies[step.step.number]?.[number];
  const join = (texts: readonly number[] | null | undefined): string | null =>
    texts === null || texts === undefined ? null : texts.map((text) => book.texts[text]!).join('');
  return { attempt, requestBody: join(bodies?.request), responseBody: join(bodies?.response) };
}

function answerStep(
  book: OfflineBook,
  run: OfflineRun,
  path: { number: number; rest: string; query: URLSearchParams },
): unknown {
  const { number, rest, query } = path;
  const step = run.stepDetails[number] ?? refuse(`There is no step ${number}.`);
  if (rest === '') return step;
  if (rest === '/context') return toContext(book, run, number, Number(query.get('from') ?? 0));
  if (rest === '/attempts') return step.attempts;
  const attempt = /^\/attempts\/(\d+)$/.exec(rest);
  return attempt === null ? refuse('This page does not hold that.') : toAttempt(book, run, step, Number(attempt[1]));
}

function answerDifference(
  book: OfflineBook,
  { runId, otherId, isOfSteps, query }: { runId: string; otherId: string; isOfSteps: boolean; query: URLSearchParams },
): unknown {
  const { comparison } = book;
  if (comparison === undefined || runId !== book.runId || otherId !== comparison.otherId)
    return refuse('This page does not hold the comparison of these two runs.');
  if (!isOfSteps) return comparison.difference;
  const pair = `${query.get('a')}/${query.get('b')}`;
  return Object.hasOwn(comparison.steps, pair)
    ? comparison.steps[pair]
    : refuse('This page does not hold these steps.');
}

function answerRun(book: OfflineBook, runId: string, path: { rest: string; query: URLSearchParams }): unknown {
  const { rest, query } = path;
  const run = Object.hasOwn(book.runs, runId) ? book.runs[runId]! : refuse(`Run ${runId} is not in this page.`);
  const step = /^\/steps\/(\d+)(.*)$/.exec(rest);
  if (step !== null) return answerStep(book, run, { number: Number(step[1]), rest: step[2]!, query });
  const difference = /^\/diff\/([0-9a-f-]{36})(\/steps)?$/.exec(rest);
  if (difference !== null)
    return answerDifference(book, { runId, otherId: difference[1]!, isOfSteps: difference[2] !== undefined, query });
  const from = Number(query.get('from') ?? 1);
  const limit = Number(query.get('limit') ?? 500);
  switch (rest) {
    case '':
      return run.detail;
    case '/verify':
      return run.verdict;
    case '/seals':
      return run.seals;
    case '/children':
      return run.children;
    case '/steps':
      return run.steps.filter(({ number }) => number >= from).slice(0, limit);
    case '/events':
      return run.events.filter(({ seq }) => seq >= from).slice(0, limit);
    default:
      return refuse('This page does not hold that.');
  }
}

const snippetChars = 80;

/** Text around the first place where every word of a query was found, marked as the server marks it; `null` when one was not. */
function findWords(text: string, words: readonly string[]): string | null {
  const plain = text.toLowerCase();
  const places = words.map((word) => plain.indexOf(word));
  if (places.includes(-1)) return null;
  const at = places[0]!;
  const end = at + words[0]!.length;
  const before = text.slice(Math.max(0, at - snippetChars), at);
  return `${before}\ue000${text.slice(at, end)}\ue001${text.slice(end, end + snippetChars)}`;
}

function searchStep(run: OfflineRun, step: StepDetail, words: readonly string[]): SearchPage['items'] {
  const contents = [
    ['args', step.args],
    ['request', step.request],
    ['output', step.response],
    ['result', step.result],
  ] as const;
  const texts = [
    ...contents.flatMap(([kind, content]) => (content === null ? [] : [{ kind, text: content.raw }])),
    ...(step.step.error === null ? [] : [{ kind: 'error' as const, text: step.step.error.message }]),
  ];
  const { id, number, startedAtMs } = step.step;
  return texts.flatMap(({ kind, text }) => {
    const snippet = findWords(text, words);
    const hit = { runId: run.detail.run.id, stepId: id, kind, contentId: null, timeMs: startedAtMs, rank: 0 };
    return snippet === null ? [] : [{ ...hit, snippet, run: run.detail.run, stepNumber: number }];
  });
}

/** Hits in what steps were given and answered, in the order of the steps. */
function search(book: OfflineBook, query: URLSearchParams): SearchPage {
  const words = (query.get('q') ?? '')
    .toLowerCase()
    .replaceAll('"', ' ')
    .split(/\s+/)
    .filter((word) => word !== '');
  const wanted = query.get('run');
  const runs = Object.values(book.runs).filter(({ detail }) => wanted === null || detail.run.id === wanted);
  if (words.length === 0) return { items: [] };
  const items = runs.flatMap((run) =>
    run.steps.flatMap(({ number }) => searchStep(run, run.stepDetails[number]!, words)),
  );
  return { items: items.slice(0, Number(query.get('limit') ?? 200)) };
}

function listRuns(book: OfflineBook, query: URLSearchParams): RunPage {
  const runs = Object.values(book.runs).map(({ detail }) => detail.run);
  const isTop = (id: string): boolean => id === book.runId || id === book.comparison?.otherId;
  const wanted = runs.filter(({ id }) => query.get('nested') === 'true' || isTop(id));
  return { items: wanted, nextCursor: null, limit: 500, limitCorrected: false, total: wanted.length };
}

function answer(book: OfflineBook, address: string): unknown {
  const { pathname, searchParams: query } = new URL(address, 'http://page.invalid');
  const path = pathname.replace(/^\/api\/v1/, '');
  const run = /^\/runs\/([0-9a-f-]{36})(.*)$/.exec(path);
  if (run !== null) return answerRun(book, run[1]!, { rest: run[2]!, query });
  if (path === '/runs') return listRuns(book, query);
  if (path === '/search') return search(book, query);
  if (path === '/agents' || path === '/stats/volume') return [];
  return refuse('This page does not hold that.');
}

let opened: Promise<Book> | null = null;

const bookElement = (): HTMLElement | null => globalThis.document?.getElementById('tachograph-book') ?? null;

/** True in a page that holds its runs and asks no server. */
export const isOffline: boolean = bookElement() !== null;

/** The book of this page, opened once; `null` where a server answers. */
export function openBook(): Promise<Book> | null {
  const element = bookElement();
  if (element === null) return null;
  opened ??= unpack(element.textContent ?? '').then((bytes) => {
    const book = JSON.parse(new TextDecoder().decode(bytes)) as OfflineBook;
    return {
      runId: book.runId,
      otherId: book.comparison?.otherId ?? null,
      answer: (path) => answer(book, path),
      async readRunFile(runId) {
        const packed = document.querySelector(`script[data-run-file="${CSS.escape(runId)}"]`);
        return packed === null ? null : unpack(packed.textContent ?? '');
      },
    };
  });
  return opened;
}

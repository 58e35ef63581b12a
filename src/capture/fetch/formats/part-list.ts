/**
 * The parts of an answer as they grow. Text of one kind in a row becomes one part; the pieces of a tool call's input
 * are collected per call, whatever comes between them.
 */
export interface PartList {
  text(words: string, at?: string): void;
  reasoning(words: string, at?: string): void;
  /** Begins or renames the tool call of this key. */
  tool(key: string, call: { id?: string | null; name?: string | null; input?: unknown; isProviders?: boolean }): void;
  toolInput(key: string, piece: string): void;
  /** A part that comes whole. */
  put(part: Readonly<Record<string, unknown>>): void;
  has(key: string): boolean;
  readonly length: number;
  /** Tool calls that the caller, not the provider, is to run. */
  readonly callerTools: number;
  readonly textDeltas: number;
  list(): readonly unknown[];
}

interface Words {
  readonly type: 'text' | 'reasoning';
  readonly at: string;
  readonly pieces: string[];
}

interface Call {
  readonly type: 'tool-call';
  id: string | null;
  name: string;
  input: unknown;
  readonly pieces: string[];
  isProviders: boolean;
}

type Entry = Words | Call | { readonly type: 'whole'; readonly part: unknown };

function entryToPart(entry: Entry): unknown {
  if (entry.type === 'whole') return entry.part;
  if (entry.type !== 'tool-call') return { type: entry.type, text: entry.pieces.join('') };
  const input = entry.pieces.length > 0 ? entry.pieces.join('') : (entry.input ?? '{}');
  return {
    type: 'tool-call',
    toolCallId: entry.id,
    toolName: entry.name,
    input,
    ...(entry.isProviders ? { providerExecuted: true } : {}),
  };
}

/** An empty list of parts. */
export function createPartList(): PartList {
  const entries: Entry[] = [];
  const callByKey = new Map<string, Call>();
  let textDeltas = 0;

  const words = (type: Words['type'], text: string, at: string): void => {
    if (text === '') return;
    if (type === 'text') textDeltas += 1;
    const last = entries.at(-1);
    if (last !== undefined && last.type === type && last.at === at) last.pieces.push(text);
    else entries.push({ type, at, pieces: [text] });
  };

  const callOf = (key: string): Call => {
    let call = callByKey.get(key);
    if (call === undefined) {
      call = { type: 'tool-call', id: null, name: '', input: null, pieces: [], isProviders: false };
      callByKey.set(key, call);
      entries.push(call);
    }
    return call;
  };

  return {
    text: (text, at = '') => words('text', text, at),
    reasoning: (text, at = '') => words('reasoning', text, at),
    tool(key, given) {
      const call = callOf(key);
      call.id = given.id ?? call.id;
      call.name = given.name ?? call.name;
      if (given.input !== undefined) call.input = given.input;
      if (given.isProviders === true) call.isProviders = true;
    },
    toolInput: (key, piece) => void callOf(key).pieces.push(piece),
    put: (part) => void entries.push({ type: 'whole', part }),
    has: (key) => callByKey.has(key),
    get length() {
      return entries.length;
    },
    get callerTools() {
      return entries.filter((entry) => entry.type === 'tool-call' && !entry.isProviders).length;
    },
    get textDeltas() {
      return textDeltas;
    },
    list: () => entries.map(entryToPart),
  };
}

import { createWriteStream, mkdirSync, renameSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress } from 'node:zlib';
import type { Command } from 'commander';
import { TachographError } from '../../core/error.ts';
import type { RunView } from '../../core/model/run.ts';
import type { CommandPlace } from '../commands/command.ts';
import { examples, optionsOf, printJson, withHome } from '../commands/command.ts';
import type { OpenedHome } from '../open.ts';
import { toPlural } from '../print/figures.ts';
import { ask } from './asking.ts';
import { createExporter, createReadingHandler } from './exporter.ts';

interface ExportFlags {
  readonly output?: string;
  readonly html?: boolean;
  readonly session?: boolean;
  readonly compare?: string;
}

/** What is written: how its name ends, and its bytes. */
interface Product {
  readonly name: string;
  readonly pieces: AsyncIterable<string | Uint8Array>;
}

const sessionRunsMax = 100;

async function* single(make: () => Promise<string>): AsyncGenerator<string> {
  yield await make();
}

async function* askPieces(opened: OpenedHome, path: string): AsyncGenerator<Uint8Array> {
  const handler = createReadingHandler(opened);
  try {
    yield* (await ask(handler, path)).body as unknown as AsyncIterable<Uint8Array>;
  } finally {
    handler.close();
  }
}

async function toPage(opened: OpenedHome, run: RunView, compare: string | undefined): Promise<string> {
  const other = compare === undefined ? null : await opened.findRun(compare);
  return createExporter(opened).page(opened.projectId, run.id, other?.id ?? null);
}

function toProduct(opened: OpenedHome, run: RunView, flags: ExportFlags & { json?: boolean }): Product {
  const exporter = createExporter(opened);
  if (flags.json === true) {
    const scope = flags.session === true ? 'session' : 'run';
    return {
      name: `${scope}-${run.id}.json`,
      pieces: askPieces(opened, `/runs/${run.id}/export?format=json&scope=${scope}`),
    };
  }
  if (flags.html === true)
    return { name: `run-${run.id}.html`, pieces: single(() => toPage(opened, run, flags.compare)) };
  return { name: `run-${run.id}.tgr`, pieces: exporter.runFile(opened.projectId, run.id) };
}

/** Writes beside the file and renames at the end: whoever looks sees the old file or the whole new one. */
async function writeFile(path: string, pieces: Product['pieces']): Promise<void> {
  const draft = `${path}.${process.pid}.tmp`;
  try {
    const from = Readable.from(pieces, { objectMode: true });
    const to = createWriteStream(draft, { mode: 0o600 });
    if (path.endsWith('.zst')) await pipeline(from, createZstdCompress(), to);
    else await pipeline(from, to);
    renameSync(draft, path);
  } catch (cause) {
    rmSync(draft, { force: true });
    if (cause instanceof TachographError) throw cause;
    throw new TachographError('bad-argument', `${path} cannot be written: ${(cause as Error).message}.`, { cause });
  }
}

async function writeOut(pieces: Product['pieces']): Promise<void> {
  for await (const piece of pieces) if (!process.stdout.write(piece)) await once(process.stdout, 'drain');
}

async function listSession(opened: OpenedHome, run: RunView): Promise<readonly RunView[]> {
  if (run.sessionId === null) return [run];
  const filter = { sessionId: run.sessionId, includeDryRun: true };
  const page = await opened.store.listRuns(opened.projectId, filter, { limit: sessionRunsMax });
  return page.items.toReversed();
}

/** A file for each run of the session, in a folder; a run that cannot be exported is told and the others are. */
async function exportSession(opened: OpenedHome, run: RunView, flags: ExportFlags, place: CommandPlace): Promise<void> {
  const folder = flags.output ?? `session-${run.sessionId ?? run.id}`.replaceAll(/[^\w.-]/g, '_');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const runs = await listSession(opened, run);
  for (const each of runs) {
    const { name, pieces } = toProduct(opened, each, flags);
    await writeFile(join(folder, name), pieces);
    place.terminal.progress(`${name} written`);
  }
  place.terminal.progress('');
  place.terminal.print(`${toPlural(runs.length, 'run')} of the session exported to ${folder}`);
}

async function exportOne(
  opened: OpenedHome,
  run: RunView,
  flags: ExportFlags & { json?: boolean },
  place: CommandPlace,
): Promise<void> {
  const { name, pieces } = toProduct(opened, run, flags);
  const isToOutput = flags.output === '-' || (flags.output === undefined && flags.json === true);
  if (isToOutput) return writeOut(pieces);
  const path = flags.output ?? name;
  await writeFile(path, pieces);
  if (flags.json === true) printJson(place.terminal, { runId: run.id, file: path });
  else place.terminal.print(`Run ${run.id} exported to ${path}`);
}

/** `tachograph export`: a run in one file. */
export function addExport(program: Command, place: CommandPlace): void {
  program
    .command('export')
    .description('Write a run into one file: sealed and proving itself, or a page that opens offline, or plain JSON.')
    .argument('<run>', 'run id, the beginning of one, or "last"')
    .option('-o, --output <file>', 'where to write; "-" is standard output; a name that ends in .zst is compressed')
    .option('--html', 'one HTML file with the viewer and the run inside, which opens without a network')
    .option('--compare <other>', 'with --html: that run too, and the two side by side')
    .option('--session', 'all runs of its session, at most 100: one JSON document, or a folder of files')
    .addHelpText(
      'after',
      `\n--json writes plain JSON for programs instead of a run file, to standard output unless -o says where.${examples(
        'tachograph export last',
        'tachograph export 019a9f3e-1b2c -o incident.tgr',
        'tachograph export last --html -o incident.html',
        'tachograph export 019a9f3e --html --compare last -o before-and-after.html',
        'tachograph export last --json --session',
      )}`,
    )
    .action(async (reference: string, _flags: unknown, self: Command) => {
      const flags = optionsOf<ExportFlags>(self);
      if (flags.json === true && flags.html === true)
        throw new TachographError('bad-argument', 'Give --html or --json, not both.');
      if (flags.compare !== undefined && (flags.html !== true || flags.session === true))
        throw new TachographError('bad-argument', 'Give --compare with --html, for one run.');
      await withHome(flags, async (opened) => {
        const run = await opened.findRun(reference);
        if (flags.session === true && flags.json !== true) await exportSession(opened, run, flags, place);
        else await exportOne(opened, run, flags, place);
      });
    });
}

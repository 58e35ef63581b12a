import { join } from 'node:path';
import type { OpenedHome } from '../../../src/cli/open.ts';
import type { RunView } from '../../../src/core/model/run.ts';
import { listQuarantine, readCauses } from '../../../src/journal/index.ts';
import type { Frame } from './frames.ts';
import type { Cut, Scene } from './scene.ts';
import { filesLeft, hitFrame } from './scene.ts';
import type { Told } from './tape.ts';

/*
 * Looks at a home whose journals were cut. It believes the bytes that are left of them, what their programs wrote down
 * elsewhere while they recorded, and what the store had before.
 */

/** What must be found, by what is left of the files. */
export interface Expected {
  readonly scene: Scene;
  readonly cuts: readonly Cut[];
  /** Whole records that are left, of each run. */
  readonly framesByRun: ReadonlyMap<string, readonly Frame[]>;
  /** What was acknowledged and is left, by run. */
  readonly toldByRun: ReadonlyMap<string, readonly Told[]>;
  /** Contents of records that were hit, and that nobody else carries. */
  readonly lostContents: ReadonlySet<string>;
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const byKey = new Map<string, T[]>();
  for (const item of items) {
    const known = byKey.get(keyOf(item));
    if (known === undefined) byKey.set(keyOf(item), [item]);
    else known.push(item);
  }
  return byKey;
}

/** Records that can be read in a file that was cut. */
function framesLeft(cut: Cut): readonly Frame[] {
  const { tape, bytes, kind } = cut;
  if (bytes < tape.whole.headBytes && tape.importedBytes === 0) return [];
  const hit = hitFrame(cut);
  const { frames } = tape.whole;
  if (kind === 'hole' && bytes >= tape.whole.headBytes) return frames.filter((frame) => frame !== hit);
  return bytes < tape.whole.headBytes ? [] : frames.filter(({ endBytes }) => endBytes <= bytes);
}

/** What a home with these files must have in it once they are imported. */
export function toExpected(scene: Scene, cuts: readonly Cut[]): Expected {
  const left = cuts.flatMap(framesLeft);
  const carried = new Set(left.flatMap(({ contents }) => contents.map(({ id }) => id)));
  const hit = cuts.filter(({ kind }) => kind === 'hole').flatMap((cut) => hitFrame(cut) ?? []);
  const lost = hit.flatMap(({ contents }) => contents.map(({ id }) => id)).filter((id) => !carried.has(id));
  const bytesByWriter = new Map(
    cuts.filter(({ kind }) => kind !== 'hole').map((cut) => [cut.tape.writerId, cut.bytes]),
  );
  // Who was told that all is kept, and has no file at all, was told so of an empty one.
  const writers = new Set(scene.tapes.map(({ writerId }) => writerId));
  const told = scene.told.filter(
    ({ writerId, bytes }) => bytes <= (bytesByWriter.get(writerId) ?? (writers.has(writerId) ? -1 : 0)),
  );
  return {
    scene,
    cuts,
    framesByRun: groupBy(left, ({ runId }) => runId),
    toldByRun: groupBy(told, ({ runId }) => runId),
    lostContents: new Set(lost),
  };
}

const keyOf = ({ writerId, n }: { readonly writerId: string; readonly n: number }): string => `${writerId}/${n}`;

/** Every record once, as it was written, and none that nobody wrote. */
async function findEventFaults(home: OpenedHome, of: Expected, runId: string): Promise<string[]> {
  const { scene } = of;
  const faults: string[] = [];
  const events = await home.store.listEvents('default', runId);
  const eventByKey = new Map(events.map((event) => [keyOf(event.header), event]));
  if (eventByKey.size !== events.length) faults.push('has an event twice');
  if (events.some(({ seq }, index) => seq !== index + 1)) faults.push('its events are not numbered one by one');
  const allowed = new Set(scene.eventsBefore.get(runId)!.map(({ header }) => keyOf(header)));
  for (const event of scene.eventsBefore.get(runId)!)
    if (!eventByKey.has(keyOf(event.header))) faults.push(`lost ${keyOf(event.header)}, which the store had`);
  for (const frame of of.framesByRun.get(runId) ?? []) {
    const found = eventByKey.get(keyOf(frame));
    allowed.add(keyOf(frame));
    if (found === undefined) faults.push(`lost ${frame.type} ${keyOf(frame)}`);
    else if (Buffer.from(found.hash).toString('hex') !== frame.hash) faults.push(`has another ${keyOf(frame)}`);
    else if (frame.payload !== null && found.payload !== frame.payload)
      faults.push(`has other words in ${keyOf(frame)}`);
  }
  const writers = new Set(scene.tapes.flatMap(({ whole }) => whole.frames.map(({ writerId }) => writerId)));
  for (const { header } of events)
    if (writers.has(header.writerId) && !allowed.has(keyOf(header))) faults.push(`made up ${keyOf(header)}`);
  return faults;
}

/** The words of contents, byte for byte. */
async function findContentFaults(home: OpenedHome, of: Expected, runId: string): Promise<string[]> {
  const contents = (of.framesByRun.get(runId) ?? []).flatMap((frame) => frame.contents);
  const found = await home.store.readContents(
    'default',
    runId,
    contents.map(({ id }) => id),
  );
  const bytesById = new Map(found.map(({ id, bytes }) => [id, bytes]));
  return contents
    .filter(({ id, bytes }) => !bytes.equals(bytesById.get(id) ?? Buffer.alloc(0)))
    .map(({ id }) => `lost content ${id.slice(0, 8)}`);
}

/** Words that were acknowledged stand in what is left of the files, unless they were erased since. */
function findWordFaults(of: Expected, runId: string): string[] {
  const frames = of.framesByRun.get(runId) ?? [];
  if (frames.some(({ payload }) => payload === null)) return [];
  const texts = frames.flatMap(({ payload, contents }) => [payload!, ...contents.map(({ bytes }) => bytes.toString())]);
  return (of.toldByRun.get(runId) ?? [])
    .filter(({ words }) => words !== undefined && !texts.some((text) => text.includes(words)))
    .map(({ what, words }) => `acknowledged ${what} with ${words} and does not have it`);
}

/** What is known to have happened: the records that are left, and those that the store had. */
const findKnown = (of: Expected, runId: string): readonly Pick<Frame, 'type' | 'stepId' | 'writerId' | 'n'>[] => [
  ...of.scene.eventsBefore.get(runId)!.map(({ header }) => header),
  ...(of.framesByRun.get(runId) ?? []),
];

/** Steps that began are there once, have the status they ended with, and are not left open without a cause. */
async function findStepFaults(home: OpenedHome, of: Expected, runId: string): Promise<string[]> {
  const faults: string[] = [];
  const steps = await home.store.listSteps('default', runId);
  const stepById = groupBy(steps, ({ id }) => id);
  const known = findKnown(of, runId);
  const stepsOf = (type: string): readonly string[] =>
    known.filter((event) => event.type === type).map(({ stepId }) => stepId!);
  const [begun, ended] = [stepsOf('step-start'), new Set(stepsOf('step-end'))];
  // Where a run was closed by one writer, nobody speaks for another whose words are gone.
  const openStatus = known.some(({ type }) => type === 'run-end') ? 'in_progress' : 'interrupted';
  const told = (of.toldByRun.get(runId) ?? []).filter(({ what }) => what === 'begin').map(({ stepId }) => stepId!);
  for (const stepId of new Set([...begun, ...told]))
    if (stepById.get(stepId)?.length !== 1)
      faults.push(`has step ${stepId} ${stepById.get(stepId)?.length ?? 0} times`);
  for (const { id, status } of steps)
    if (ended.has(id) ? status === 'in_progress' : status !== openStatus)
      faults.push(`says that step ${id} is ${status}`);
  for (const { what, stepId, status } of of.toldByRun.get(runId) ?? []) {
    if (what !== 'end') continue;
    const found = stepById.get(stepId!)?.[0]?.status;
    if (found !== status) faults.push(`acknowledged that step ${stepId} is ${status}, and says ${found}`);
  }
  return faults;
}

/** Ended as it was told to, or interrupted. */
function findRunFaults(of: Expected, run: RunView): string[] {
  const frames = [...(of.framesByRun.get(run.id) ?? [])];
  const before = of.scene.eventsBefore.get(run.id)!.find(({ header }) => header.type === 'run-end');
  const facts = frames.find(({ type }) => type === 'run-end')?.facts;
  const wanted = facts?.['endReason'] ?? (before === undefined ? 'interrupted' : null) ?? run.endReason;
  const faults: string[] = [];
  if (run.endReason !== wanted) faults.push(`is ${run.status} (${run.endReason}), not ${String(wanted)}`);
  const isSwept = wanted === 'interrupted';
  if (run.swept !== isSwept) faults.push(`swept: ${run.swept}`);
  for (const { what, endReason } of of.toldByRun.get(run.id) ?? [])
    if (what === 'close' && run.endReason !== endReason)
      faults.push(`acknowledged its end as ${endReason}, and says ${run.endReason}`);
  return faults;
}

/** The first number that each writer of a run is missing. */
function findHoles(of: Expected, runId: string): Map<string, number> {
  const holes = new Map<string, number>();
  for (const [writerId, events] of groupBy(findKnown(of, runId), (event) => event.writerId)) {
    const numbers = new Set(events.map(({ n }) => n));
    for (let n = 1; n <= Math.max(...numbers); n += 1)
      if (!numbers.has(n) && !holes.has(writerId)) holes.set(writerId, n);
  }
  return holes;
}

/** Intact, or the verdict names exactly what is missing. */
async function findVerdictFaults(home: OpenedHome, of: Expected, runId: string): Promise<string[]> {
  const { intact } = await home.verify(runId);
  const holes = findHoles(of, runId);
  const said = `says ${intact.verdict} of ${intact.writerId}/${intact.n}: ${intact.message}`;
  if (holes.size > 0) {
    const isNamed = intact.verdict === 'missing' && holes.get(intact.writerId ?? '') === intact.n;
    return isNamed ? [] : [`misses ${JSON.stringify([...holes])} and ${said}`];
  }
  // Words that another run's record carried went with it.
  if (of.lostContents.size > 0 && intact.verdict === 'missing') return [];
  return intact.verdict === 'intact' ? [] : [said];
}

/** Every record that is left, with its contents, once; and what was acknowledged is among them. */
export async function findRecordFaults(home: OpenedHome, of: Expected, runId: string): Promise<string[]> {
  return [
    ...findWordFaults(of, runId),
    ...(await findEventFaults(home, of, runId)),
    ...(await findContentFaults(home, of, runId)),
  ];
}

async function findFaultsOfRun(home: OpenedHome, of: Expected, runId: string): Promise<string[]> {
  const isExpected = of.framesByRun.has(runId) || of.scene.eventsBefore.get(runId)!.length > 0;
  const isFound = (await home.store.findRunIds('default', runId, 2)).length === 1;
  if (isExpected !== isFound) return [isExpected ? 'is not there' : 'is there, and nothing of it is left'];
  if (!isFound) return of.toldByRun.has(runId) ? ['was acknowledged and is not there'] : [];
  return [
    ...findRunFaults(of, await home.store.getRun('default', runId)),
    ...(await findRecordFaults(home, of, runId)),
    ...(await findStepFaults(home, of, runId)),
    ...(await findVerdictFaults(home, of, runId)),
    ...(await home.store.rebuildRun('default', runId)).map((field) => `rebuilt it differs in ${field}`),
  ];
}

/** A file that is damaged is told of, with the place, and the damage or all of it is kept in quarantine with the same cause. */
function findQuarantineFaults(home: OpenedHome, { cuts }: Expected): string[] {
  const faults: string[] = [];
  const problems = home.problems.map(({ file, message }) => ({ file, message, isDue: false }));
  const aside = listQuarantine(home.home);
  for (const cut of cuts) {
    const damage = toDamage(cut);
    if (damage === null) continue;
    const file = join(home.home, 'journal', 'default', cut.tape.name);
    const told = problems.find((problem) => problem.file === file && problem.message.includes(damage.place));
    if (told === undefined) faults.push(`${cut.tape.name}: nobody was told of ${damage.place}`);
    else told.isDue = true;
    const kept = aside.find(({ name }) => name.includes(cut.tape.name.slice(0, -4)));
    if (kept === undefined || !readCauses(kept.file).some((cause) => cause.includes(damage.place)))
      faults.push(`${cut.tape.name}: ${damage.place} is not in quarantine with its cause`);
  }
  for (const { file, message, isDue } of problems) if (!isDue) faults.push(`${file}: told of ${message}`);
  return faults;
}

/** How a damage is named; `null` for a file that ends too early, which is no damage, and for what the store has read. */
function toDamage(cut: Cut): { readonly place: string } | null {
  const { tape, bytes, kind } = cut;
  if (kind === 'short') return null;
  if (bytes < 20) return { place: 'at byte' };
  if (bytes < tape.whole.headBytes) return { place: 'at byte 16' };
  const hit = hitFrame(cut);
  const isRead = (hit?.startBytes ?? Infinity) < tape.importedBytes;
  if (kind === 'zeros' || hit === null || isRead || hit === tape.whole.frames.at(-1)) return null;
  return { place: `${hit.endBytes - hit.startBytes} bytes at ${hit.startBytes}` };
}

/** A file stays only while nothing says whose it is: of one that ends in its head. */
function findLeftFaults(home: OpenedHome, { cuts }: Expected): string[] {
  const headless = new Set(
    cuts
      .filter(({ tape, bytes, kind }) => kind === 'short' && bytes < tape.whole.headBytes)
      .map(({ tape }) => tape.name),
  );
  return filesLeft(home.home)
    .filter((name) => !headless.has(name))
    .map((name) => `${name} is still there`);
}

/** Everything that is wrong with a home that was opened on cut files and has imported them. */
export async function findFaults(home: OpenedHome, of: Expected): Promise<string[]> {
  const faults = [...findQuarantineFaults(home, of), ...findLeftFaults(home, of)];
  for (const runId of of.scene.runIds)
    faults.push(...(await findFaultsOfRun(home, of, runId)).map((fault) => `run ${runId} ${fault}`));
  return withPlaces(faults, of);
}

/** The same with where the files were cut, if there are any. */
export function withPlaces(faults: readonly string[], { cuts }: Expected): string[] {
  if (faults.length === 0) return [];
  const where = cuts.map(({ tape, bytes, kind }) => `${tape.writerId} ${kind} at ${bytes}`).join(', ');
  return [...faults, `(${where})`];
}

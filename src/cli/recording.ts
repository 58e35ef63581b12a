import process from 'node:process';
import { isMainThread } from 'node:worker_threads';
import { createAiSdkCapture } from '../capture/ai-sdk/index.ts';
import { createFetchCapture } from '../capture/fetch/index.ts';
import { installLangChain } from '../capture/langchain/index.ts';
import { installAgents } from '../capture/openai-agents/index.ts';
import { markRecorded } from '../capture/proxy/index.ts';
import { setAmbientRecorder } from '../core/record/ambient.ts';
import type { Recorder } from '../core/record/recording.ts';
import { createRecorder } from '../core/record/recorder.ts';
import { createIdSource } from '../core/id.ts';
import { systemClock } from '../core/clock.ts';
import { TachographError } from '../core/error.ts';
import { defaultLimits } from '../core/limits.ts';
import {
  chooseProject,
  createJournal,
  createOutboxJournal,
  defaultHome,
  openHome,
  readOrCreateKey,
  readRecordingRules,
  serverUrl,
} from '../journal/index.ts';
import { parseRevision, readEnvironment } from './environment.ts';
import { errorToLine } from './print/complaint.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** What the recording of this process goes through, once started. */
const started = Symbol.for('tachograph.recording');

function complain(error: unknown): void {
  process.stderr.write(`tachograph: ${errorToLine(error)}\n`);
}

function openRecorder(variables: Variables): Recorder {
  const home = openHome(defaultHome(variables));
  const projectId = chooseProject(variables);
  const ids = createIdSource(systemClock);
  const writerId = ids.hex(8);
  const durability: 'power' | 'process' = variables['TACHOGRAPH_DURABILITY'] === 'power' ? 'power' : 'process';
  const url = serverUrl(variables);
  const journalOptions = {
    home,
    projectId,
    durability,
    limits: defaultLimits,
    clock: systemClock,
    writerId,
    onError: complain,
    buffered: variables['TACHOGRAPH_BUFFERED'] === '1',
  };
  const key = variables['TACHOGRAPH_KEY'] ?? null;
  const journal =
    url === null ? createJournal(journalOptions) : createOutboxJournal({ ...journalOptions, url, key }).journal;
  return createRecorder({
    ...readRecordingRules({ home, projectId, clock: systemClock, variables }),
    journal,
    ids,
    writerId,
    contentKey: readOrCreateKey(home, `${projectId}.content`, 32),
    environment: { ...readEnvironment(parseRevision(variables['TACHOGRAPH_REVISION'])) },
    defaults: { sessionId: variables['TACHOGRAPH_SESSION'] ?? ids.uuid() },
    onError: complain,
  });
}

/** How often the text of a stream under way is written; `null`, and said, for what is no time. */
function readStreamFlushMs(text: string | undefined): number | null {
  if (text === undefined || text === '') return null;
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  complain(
    new TachographError(
      'bad-argument',
      `TACHOGRAPH_STREAM_FLUSH_MS is "${text}"; give whole milliseconds, 1 or more. Streams are written at their end.`,
    ),
  );
  return null;
}

/** Has a recorder hear of the AI SDK, of agent frameworks and of HTTP in this process; gives what ends the last of them. */
export function installCaptures(recorder: Recorder, variables: Variables): () => void {
  setAmbientRecorder(recorder);
  const streamFlushMs = readStreamFlushMs(variables['TACHOGRAPH_STREAM_FLUSH_MS']);
  createAiSdkCapture({ recorder, onError: complain, ...(streamFlushMs === null ? {} : { streamFlushMs }) }).install();
  installAgents(recorder, { onError: complain });
  installLangChain(recorder, { onError: complain, ...(streamFlushMs === null ? {} : { streamFlushMs }) });
  return createFetchCapture({ recorder, onError: complain }).install();
}

/**
 * Starts recording this process: the AI SDK through its process-wide list and channel, HTTP through the runtime.
 * Never throws; a program whose recording cannot start runs unrecorded and says so.
 */
export function startRecording(variables: Variables): void {
  const globals = globalThis as unknown as Record<symbol, unknown>;
  if (globals[started] !== undefined) return;
  globals[started] = true;
  if (variables['TACHOGRAPH_DISABLED'] === '1') {
    // What is replayed was recorded once already.
    if (variables['TACHOGRAPH_REPLAY'] !== undefined) setAmbientRecorder(createRecorder({ journal: null }));
    return;
  }
  try {
    const own = openRecorder(variables);
    // The program may close what it takes for its own: the recording of the process goes on to its end.
    const recorder: Recorder = { ...own, close: async () => void (await own.flush()) };
    const stopFetch = installCaptures(recorder, variables);
    const proxyUrl = variables['TACHOGRAPH_PROXY_URL'];
    if (proxyUrl !== undefined) markRecorded(recorder, proxyUrl);
    // Closing writes at once and in this thread, which is all that an exiting process still does. A worker's end is
    // not the program's: its runs are closed by what ends them.
    if (!isMainThread) return;
    process.once('exit', () => {
      stopFetch();
      void own.close();
    });
  } catch (error) {
    complain(error);
  }
}

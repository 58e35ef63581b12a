import process from 'node:process';
import { systemClock } from '../core/clock.ts';
import { createIdSource } from '../core/id.ts';
import { ambientRecorder } from '../core/record/ambient.ts';
import type { RecorderOptions } from '../core/record/recorder.ts';
import { createRecorder } from '../core/record/recorder.ts';
import type { Recorder } from '../core/record/recording.ts';
import { defaultHome, openHome, readOrCreateKey } from './home.ts';
import { readRecordingRules } from './settings/settings-file.ts';
import { serverUrl } from './shipping/outbox.ts';
import { keyToProject } from './sink/delivery.ts';
import { createOutboxJournal } from './shipping/outbox-journal.ts';
import { createJournal } from './writer.ts';

/** Where a recorder keeps its journal, and everything a recorder takes besides. */
export interface OpenRecorderOptions extends Omit<
  RecorderOptions,
  'journal' | 'contentKey' | 'ids' | 'clock' | 'writerId'
> {
  /** The data folder; left out, TACHOGRAPH_HOME or the user's own. */
  readonly home?: string;
  /** Left out: the project of the key where records go to a server, else `default`. */
  readonly projectId?: string;
  /** Address of a server that the records go to; left out, TACHOGRAPH_URL. The journal is the outbox until it has them. */
  readonly url?: string;
  /** A key of that server with the scope `ingest`; left out, TACHOGRAPH_KEY. */
  readonly key?: string;
  /** `process` (default): safe from `kill -9`. `power`: from a power cut too. */
  readonly durability?: 'process' | 'power';
}

/**
 * A recorder on a journal of this process in the data folder, with the project's key. What its settings switch off is not
 * recorded, unless `switches` says it otherwise; what they have taken out goes, field by field unless `redact` says it
 * otherwise. With a `url`, records go on to that server: they are as safe here as without, and `flush({ to: 'server' })` says
 * when they are there. In a process that is recorded from outside (`tachograph run`) and without options of its own it is that
 * process's recorder, which goes on when it is closed. `home-unusable` when the folder cannot be written to, `TypeError` for a `url` that is none; from then
 * on nothing throws (I1).
 */
export function openRecorder(options: OpenRecorderOptions = {}): Recorder {
  const ambient = ambientRecorder();
  // Two recorders of one home would each record what they see of one program.
  if (ambient !== null && Object.keys(options).every((name) => name === 'onError')) return ambient;
  const { home: chosen, durability = 'process', ...recording } = options;
  const { url = serverUrl(process.env), key = process.env['TACHOGRAPH_KEY'], ...others } = recording;
  const { projectId = (url === null ? null : keyToProject(key)) ?? 'default', ...rest } = others;
  const home = openHome(chosen ?? defaultHome());
  const ids = createIdSource(systemClock);
  const writerId = ids.hex(8);
  const journalOptions = {
    home,
    projectId,
    writerId,
    durability,
    ...(rest.limits === undefined ? {} : { limits: rest.limits }),
    ...(rest.onError === undefined ? {} : { onError: rest.onError }),
  };
  const journal =
    url === null
      ? createJournal(journalOptions)
      : createOutboxJournal({ ...journalOptions, url, key: key ?? null }).journal;
  const rules = readRecordingRules({ home, projectId, clock: systemClock });
  return createRecorder({
    switches: rules.switches,
    ...rest,
    redact: { ...rules.redact, ...rest.redact },
    journal,
    ids,
    writerId,
    contentKey: readOrCreateKey(home, `${projectId}.content`, 32),
  });
}

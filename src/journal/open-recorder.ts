import { systemClock } from '../core/clock.ts';
import { createIdSource } from '../core/id.ts';
import type { RecorderOptions } from '../core/record/recorder.ts';
import { createRecorder } from '../core/record/recorder.ts';
import type { Recorder } from '../core/record/recording.ts';
import { defaultHome, openHome, readOrCreateKey } from './home.ts';
import { readRecordingRules } from './settings/settings-file.ts';
import { createJournal } from './writer.ts';

/** Where a recorder keeps its journal, and everything a recorder takes besides. */
export interface OpenRecorderOptions extends Omit<
  RecorderOptions,
  'journal' | 'contentKey' | 'ids' | 'clock' | 'writerId'
> {
  /** The data folder; left out, TACHOGRAPH_HOME or the user's own. */
  readonly home?: string;
  readonly projectId?: string;
  /** `process` (default): safe from `kill -9`. `power`: from a power cut too. */
  readonly durability?: 'process' | 'power';
}

/**
 * A recorder on a journal of this process in the data folder, with the project's key. What its settings switch off is not
 * recorded, unless `switches` says it otherwise; what they have taken out goes, field by field unless `redact` says it
 * otherwise. `home-unusable` when the folder cannot be written to; from then on nothing throws (I1).
 */
export function openRecorder(options: OpenRecorderOptions = {}): Recorder {
  const { home: chosen, projectId = 'default', durability = 'process', ...rest } = options;
  const home = openHome(chosen ?? defaultHome());
  const ids = createIdSource(systemClock);
  const writerId = ids.hex(8);
  const journal = createJournal({
    home,
    projectId,
    writerId,
    durability,
    ...(rest.limits === undefined ? {} : { limits: rest.limits }),
    ...(rest.onError === undefined ? {} : { onError: rest.onError }),
  });
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

import { systemClock } from '../../core/clock.ts';
import { createIdSource } from '../../core/id.ts';
import type { RecorderOptions } from '../../core/record/recorder.ts';
import { createRecorder } from '../../core/record/recorder.ts';
import type { Recorder } from '../../core/record/recording.ts';
import type { SinkOptions } from './sink.ts';
import { createSink } from './sink.ts';

/** Where a recorder without a disk sends its records, and everything a recorder takes besides. */
export interface OpenSinkRecorderOptions
  extends
    Omit<RecorderOptions, 'journal' | 'ids' | 'clock' | 'writerId'>,
    Pick<SinkOptions, 'url' | 'projectId' | 'token' | 'waitUntil' | 'fetch'> {}

/**
 * A recorder for places without a disk: records go to the server at `url`. Without a `contentKey` of its own (32 bytes,
 * the same in every instance) contents are stored once per instance. Throws `TypeError` for a `url` that is none; from
 * then on nothing throws (I1).
 */
export function openSinkRecorder(options: OpenSinkRecorderOptions): Recorder {
  const { url, projectId, token, waitUntil, fetch, ...rest } = options;
  const ids = createIdSource(systemClock);
  const writerId = ids.hex(8);
  const journal = createSink({
    url,
    writerId,
    ...(projectId === undefined ? {} : { projectId }),
    ...(token === undefined ? {} : { token }),
    ...(waitUntil === undefined ? {} : { waitUntil }),
    ...(fetch === undefined ? {} : { fetch }),
    ...(rest.limits === undefined ? {} : { limits: rest.limits }),
    ...(rest.onError === undefined ? {} : { onError: rest.onError }),
  });
  return createRecorder({ ...rest, journal, ids, writerId });
}

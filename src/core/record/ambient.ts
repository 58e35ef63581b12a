import { nullRecorder } from '../recorder/null-recorder.ts';
import type { Recorder } from './recording.ts';

/** A key that is the same in every copy of this module in a process. */
const key = Symbol.for('tachograph.recorder');

/** The recorder of a process that is recorded from outside, or `null`. */
export function ambientRecorder(): Recorder | null {
  return (globalThis as { [key]?: Recorder })[key] ?? null;
}

/** Says which recorder the whole process is recorded by. */
export function setAmbientRecorder(recorder: Recorder): void {
  (globalThis as { [key]?: Recorder })[key] = recorder;
}

/** The recorder given; left out, that of the process; `null`, or where there is none, one that records nothing. */
export function orAmbient(given: Recorder | null | undefined): Recorder {
  return (given === undefined ? ambientRecorder() : given) ?? nullRecorder;
}

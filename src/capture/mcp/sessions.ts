import type { Recorder } from '../../core/record/recording.ts';
import type { Guard } from './options.ts';
import type { Session } from './session.ts';

const sessionsByRecorder = new WeakMap<Recorder, Set<Session>>();

/** Ends a session with its recorder. Returns what forgets it once it has ended by itself. */
export function endWithRecorder(recorder: Recorder, session: Session, guard: Guard): () => void {
  let sessions = sessionsByRecorder.get(recorder);
  if (sessions === undefined) {
    const all = (sessions = new Set<Session>());
    sessionsByRecorder.set(recorder, all);
    recorder.onClose(() => {
      for (const each of all) guard(() => each.closed(), undefined);
      all.clear();
    });
  }
  const own = sessions;
  own.add(session);
  return () => void own.delete(session);
}

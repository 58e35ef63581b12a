import type { Safely } from '../../core/listener.ts';
import type { Recorder } from '../../core/record/recording.ts';
import type { Session } from './session.ts';

const sessionsByRecorder = new WeakMap<Recorder, Set<Session>>();

/** Ends a session with its recorder. Returns what forgets it once it has ended by itself. */
export function endWithRecorder(recorder: Recorder, session: Session, safely: Safely): () => void {
  let sessions = sessionsByRecorder.get(recorder);
  if (sessions === undefined) {
    const all = (sessions = new Set<Session>());
    sessionsByRecorder.set(recorder, all);
    const endAll = (): void => {
      for (const each of all) safely(() => each.closed(), undefined);
      all.clear();
    };
    safely(() => recorder.onClose(endAll), undefined);
  }
  const own = sessions;
  own.add(session);
  return () => void own.delete(session);
}

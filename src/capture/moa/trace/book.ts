import { TachographError } from '../../../core/error.ts';
import type { TraceSettings } from '../preset/shelf.ts';
import type { Privacy } from '../privacy.ts';
import { appendTrace } from './file.ts';
import { toTraceFolder } from './folder.ts';
import type { Trace } from './line.ts';
import { traceToLine } from './line.ts';

/** Writes traces, when they are wanted. No turn is ever touched by it. */
export interface TraceBook {
  /** The folder that traces go to at this moment; `null`: they are off, or nobody can say where. */
  folder(): string | null;
  write(folder: string, trace: Trace): void;
}

/** A book that reads its settings every time it is asked; `null` settings mean that traces are off. */
export function createTraceBook(of: {
  readonly read: () => TraceSettings | null;
  readonly dataFolder: string | null;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly privacy: Privacy;
  readonly guard: (fn: () => void) => void;
}): TraceBook {
  return {
    folder() {
      let folder: string | null = null;
      of.guard(() => {
        const settings = of.read();
        if (settings === null || !settings.saveTraces) return;
        folder = toTraceFolder(settings.traceDir, of.dataFolder, of.variables);
        if (folder === null)
          throw new TachographError(
            'bad-argument',
            'moa.saveTraces is on, but no folder is known; set moa.traceDir, pass `home`, or set TACHOGRAPH_HOME.',
          );
      });
      return folder;
    },
    write: (folder, trace) =>
      of.guard(() => {
        appendTrace({ folder, sessionId: trace.sessionId }, of.privacy.line(traceToLine(trace)));
      }),
  };
}

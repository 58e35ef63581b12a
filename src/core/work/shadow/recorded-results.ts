import { toCanonicalJson } from '../../canonical-json.ts';
import { sha256Hex } from '../../digest.ts';

/** A call that was recorded with its result, as values. */
export interface RecordedCall {
  readonly name: string;
  readonly args: unknown;
  readonly result: unknown;
}

/** Results of calls that were made once, by tool and arguments. */
export interface RecordedResults {
  /** The newest result of this tool for these arguments, whatever the order of their keys; `null`: none is there. */
  find(name: string, args: unknown): { readonly result: unknown } | null;
}

/** Takes secrets out of a value as the recorder did, so that a live value can be compared with a recorded one. */
export type RedactValue = (value: unknown) => unknown;

function keyOf(name: string, args: unknown): string | null {
  try {
    return sha256Hex(toCanonicalJson([name, args ?? null]));
  } catch {
    // Arguments that no JSON holds were never recorded as they are, so nothing answers to them.
    return null;
  }
}

/** Results of recorded calls, given in the order of their runs. Live arguments go through `redact` before they are compared. */
export function createRecordedResults(
  calls: Iterable<RecordedCall>,
  redact: RedactValue = (value) => value,
): RecordedResults {
  const resultByKey = new Map<string, unknown>();
  for (const { name, args, result } of calls) {
    const key = keyOf(name, args);
    if (key !== null) resultByKey.set(key, result);
  }
  return {
    find(name, args) {
      const key = keyOf(name, redact(args));
      return key !== null && resultByKey.has(key) ? { result: resultByKey.get(key) } : null;
    },
  };
}

/** No results at all. */
export const noRecordedResults: RecordedResults = { find: () => null };

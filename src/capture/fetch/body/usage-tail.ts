import { reportedCost } from '../../../core/cost/reported.ts';

/** The end of an answer that another capture reads: what that capture does not pass on is looked for here. */
export interface UsageTail {
  push(chunk: Uint8Array): void;
  /** What the provider said the call cost, in nano-USD; `null` when it said nothing. */
  costNanoUsd(): number | null;
}

/** A usage stands at the end of an answer, with an SSE line or two behind it. */
const tailBytes = 4096;

/** The JSON object that begins at `start`, or `null` when it is not whole. */
function objectAt(text: string, start: number): unknown {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    if (text[at] === '{') depth += 1;
    else if (text[at] === '}') depth -= 1;
    if (depth > 0) continue;
    try {
      return JSON.parse(text.slice(start, at + 1));
    } catch {
      // A brace inside a string: no usage of any provider has one.
      return null;
    }
  }
  return null;
}

/** A tail that has seen nothing. */
export function createUsageTail(): UsageTail {
  let tail: Buffer = Buffer.alloc(0);
  return {
    push(chunk) {
      const last = chunk.byteLength > tailBytes ? chunk.subarray(chunk.byteLength - tailBytes) : chunk;
      tail = Buffer.concat([tail.subarray(Math.max(0, tail.length + last.byteLength - tailBytes)), last]);
    },
    costNanoUsd() {
      if (!tail.includes('"cost')) return null;
      const text = tail.toString('utf8');
      const [key] = /"usage"\s*:\s*(?=\{)(?!.*"usage"\s*:\s*\{)/s.exec(text) ?? [];
      if (key === undefined) return null;
      return reportedCost(objectAt(text, text.lastIndexOf(key) + key.length), null)?.nanoUsd ?? null;
    },
  };
}

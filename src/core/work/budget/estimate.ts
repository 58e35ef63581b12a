import type { Prices } from '../../cost/prices.ts';
import type { Usage } from '../../model/usage.ts';
import { toUsage } from '../../model/usage.ts';
import type { Amount } from './limit.ts';

/*
 * What a call may use, before anybody knows: by the size of its text. An estimate of what goes in is on the large side
 * (3 bytes a token; providers' own counts of English are 4 to 4.5, of code about 3), since too small a reservation would
 * let a call out that the budget has no room for.
 */

const inputBytesPerToken = 3;
const outputBytesPerToken = 4;

/** Runs of so many characters without a break are no words: pictures, files. */
const encodedRun = /[A-Za-z0-9+/_-]{2000,}={0,2}/g;
/** A picture is charged by its size on the screen, about this much where providers say it; a longer run by its length. */
const pictureTokens = 1600;
const encodedCharsPerToken = 100;

/** Tokens that a request may have, by its text; what is encoded in it counts as pictures and files do. */
export function requestToTokens(text: string): number {
  let encodedChars = 0;
  let tokens = 0;
  if (text.length >= 2000)
    for (const [run] of text.matchAll(encodedRun)) {
      encodedChars += run.length;
      tokens += Math.max(pictureTokens, Math.ceil(run.length / encodedCharsPerToken));
    }
  return tokens + Math.ceil((Buffer.byteLength(text) - encodedChars) / inputBytesPerToken);
}

/** Tokens of an answer so far, by the bytes of its words. */
export function answerToTokens(bytes: number): number {
  return Math.ceil(bytes / outputBytesPerToken);
}

/** Tokens of a usage, of all kinds; a side that was not reported is taken as the estimate for it. */
export function usageToTokens(
  usage: Usage | null,
  estimated: { readonly input: number; readonly output: number },
): number {
  if (usage === null) return estimated.input + estimated.output;
  const { input, output } = usage;
  const parts = [input.noCache, input.cacheRead, input.cacheWrite];
  const inputTokens =
    input.total ??
    (parts.some((part) => part !== null) ? parts.reduce<number>((sum, part) => sum + (part ?? 0), 0) : null);
  const outputTokens = output.total ?? (output.text === null ? null : output.text + (output.reasoning ?? 0));
  return (inputTokens ?? estimated.input) + (outputTokens ?? estimated.output);
}

/** A model call to be priced. */
export interface EstimatedCall {
  readonly provider: string | null;
  readonly model: string | null;
  readonly timeMs: number;
}

/** What a call of so many tokens costs at most by the prices, none of it from a cache; `null` nano-USD without a price. */
export function tokensToAmount(
  call: EstimatedCall,
  tokens: { readonly input: number; readonly output: number },
  prices: Prices | null,
): Amount {
  const usage = toUsage({ total: tokens.input, noCache: tokens.input }, { total: tokens.output, text: tokens.output });
  const nanoUsd = prices?.estimate({ ...call, usage, usageRaw: undefined }).nanoUsd ?? null;
  return { nanoUsd, tokens: tokens.input + tokens.output };
}

import { foldText } from './fold.ts';
import type { ViewMessage } from './view.ts';
import { closeView } from './view.ts';

/** Tokens around one message, generously. */
const messageTokens = 8;

/**
 * Tokens that a text may come to, rather too many than too few: a third of its bytes, which is generous for English and
 * about right for scripts of three bytes a character.
 */
export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 3);
}

const sizeOf = (view: readonly ViewMessage[]): number =>
  view.reduce((sum, { text }) => sum + estimateTokens(text) + messageTokens, 0);

/**
 * A view that fits into `tokensMax`, by the estimate: the oldest messages go first; the last one stays, folded when it is
 * too long by itself. `null`: the window is not known, and nothing is left out.
 */
export function trimView(view: readonly ViewMessage[], tokensMax: number | null): readonly ViewMessage[] {
  if (tokensMax === null || sizeOf(view) <= tokensMax) return view;
  let kept = view;
  while (kept.length > 1 && sizeOf(closeView(kept)) > tokensMax) kept = kept.slice(1);
  if (kept.length > 1 || sizeOf(kept) <= tokensMax) return closeView(kept);
  const last = kept[0]!;
  let charsMax = Math.min(last.text.length, Math.max(1, tokensMax) * 3);
  let folded = last;
  while (charsMax > 1 && sizeOf([folded]) > tokensMax) {
    charsMax = Math.floor(charsMax * 0.8);
    folded = { ...last, text: foldText(last.text, charsMax) };
  }
  return [folded];
}

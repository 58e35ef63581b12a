import { packBytes, unpackBlock } from './block.ts';
import { cellToText } from './value.ts';

/** Packs views of steps of one run, by the numbers of their steps. */
export function stepViewsToPack(views: readonly (readonly [number: number, view: string])[]): Uint8Array {
  return packBytes(Buffer.from(JSON.stringify(views)));
}

function parseRows(packed: Uint8Array): unknown[] {
  try {
    const text = unpackBlock(packed);
    const rows: unknown = text === null ? [] : JSON.parse(Buffer.from(text).toString());
    return Array.isArray(rows) ? rows : [];
  } catch {
    // What unpacks to no list of views holds none; its steps are shown as malformed.
    return [];
  }
}

/** Views of steps by number; none from a pack that cannot be read. */
export function packToStepViews(packed: Uint8Array): Map<number, string> {
  const viewByNumber = new Map<number, string>();
  for (const row of parseRows(packed)) {
    if (!Array.isArray(row)) continue;
    const [number, view] = row as readonly unknown[];
    if (Number.isSafeInteger(number)) viewByNumber.set(number as number, cellToText(view) ?? '');
  }
  return viewByNumber;
}

import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import process from 'node:process';

/** The value below which so large a share of the others lies; `NaN` of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** A number as tables show it. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return 'n/a';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en');
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
}

/** Prints one row: the first cell to the left, all others to the right. */
export function printRow(cells: readonly (string | number)[], widths: readonly number[]): void {
  const padded = cells.map((cell, at) => {
    const text = typeof cell === 'number' ? shown(cell) : cell;
    return at === 0 ? text.padEnd(widths[0] ?? 40) : text.padStart(widths[at] ?? widths.at(-1) ?? 12);
  });
  process.stdout.write(`${padded.join('')}\n`);
}

/** Writes what was measured with the machine it was measured on; nothing without a file. */
export function writeFigures(file: string | undefined, figures: object): void {
  if (file === undefined) return;
  const machine = {
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    load: loadavg()[0],
  };
  writeFileSync(file, `${JSON.stringify({ ...figures, machine }, null, 2)}\n`);
}

import process from 'node:process';

/** Where a command writes. Only this file and `main` touch the console. */
export interface Terminal {
  /** A line of the command's result. */
  print(line: string): void;
  /** A line beside the result: progress, hints, warnings. */
  note(line: string): void;
  /** Writes over the last progress line on a terminal; nothing on a pipe. */
  progress(line: string): void;
  readonly isInteractive: boolean;
  readonly width: number;
  readonly paint: Paint;
}

/** Colours that are plain text where colours are not wanted. */
export interface Paint {
  dim(text: string): string;
  bold(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  blue(text: string): string;
}

const code = (open: number, close: number) => (text: string) => `\u001b[${open}m${text}\u001b[${close}m`;
const plain = (text: string): string => text;

const colours: Paint = {
  dim: code(2, 22),
  bold: code(1, 22),
  red: code(31, 39),
  green: code(32, 39),
  yellow: code(33, 39),
  blue: code(34, 39),
};
const noColours: Paint = { dim: plain, bold: plain, red: plain, green: plain, yellow: plain, blue: plain };

/** The process's own terminal. Colours only on a terminal and without NO_COLOR. */
export function createTerminal(): Terminal {
  const isInteractive = process.stdout.isTTY === true;
  const wantsColour = isInteractive && (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb';
  const isErrorInteractive = process.stderr.isTTY === true;
  return {
    print: (line) => void process.stdout.write(`${line}\n`),
    note: (line) => void process.stderr.write(`${line}\n`),
    progress(line) {
      if (isErrorInteractive) process.stderr.write(`\r\u001b[2K${line}`);
    },
    isInteractive,
    width: process.stdout.columns ?? 120,
    paint: wantsColour ? colours : noColours,
  };
}

/** C0 and C1 controls, bidi overrides and zero-width characters: what could forge or hide text on a terminal. */
const invisible = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** Recorded text made safe to print: what would steer the terminal is shown as its code point. Line feeds and tabs stay. */
export function toVisible(text: string): string {
  return text.replace(
    invisible,
    (character) => `⟨U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}⟩`,
  );
}

/** One line of recorded text, cut to `columns` code points. */
export function toVisibleLine(text: string, columns: number): string {
  const flat = toVisible(text.slice(0, columns * 8).replace(/\s+/gu, ' ')).trim();
  const points = Array.from(flat);
  return points.length <= columns ? flat : `${points.slice(0, Math.max(0, columns - 1)).join('')}…`;
}

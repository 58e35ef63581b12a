import { randomBytes } from 'node:crypto';
import { createRedactor } from '../../core/redact/create.ts';
import type { Redactor } from '../../core/redact/redactor.ts';
import { toVisible, toVisibleLine } from './terminal.ts';

const complaintColumns = 2000;

/** Made at the first complaint: most processes have none. */
let redactor: Redactor | null = null;

/** The words of anything thrown, redacted (I4), with nothing in them that steers a terminal. They may have several lines. */
export function errorToWords(error: unknown): string {
  redactor ??= createRedactor({ key: randomBytes(32) });
  return toVisible(redactor.text(error instanceof Error ? error.message : String(error)).value);
}

/** The same as one line of a log, cut after it was redacted. */
export function errorToLine(error: unknown): string {
  return toVisibleLine(errorToWords(error), complaintColumns);
}

import process from 'node:process';
import { pino } from 'pino';
import { errorToLine } from '../print/complaint.ts';
import { escapeLine, lineToText } from './line.ts';

/** How lines of the log look: for people, or one JSON object each. */
export type LogFormat = 'text' | 'json';

/** What a line tells of. Closed, so that a program can look for them. */
export type LogEvent =
  | 'server-started'
  | 'server-stopping'
  | 'server-stopped'
  | 'request-refused'
  | 'request-failed'
  | 'request-slow'
  | 'import-problem'
  | 'seal-refused'
  | 'upkeep'
  | 'upkeep-failed'
  | 'back-pressure-on'
  | 'back-pressure-off'
  | 'store-waiting'
  | 'store-ready'
  | 'keys-missing'
  | 'sample'
  | 'budget-alert'
  | 'failure';

/** What a line says besides: figures and names. Never a query, a body, a key or a recorded word. */
export type LogFacts = Readonly<Record<string, string | number | boolean | null>>;

/** The log of a server. A call writes one line and never throws. */
export interface Log {
  info(event: LogEvent, facts?: LogFacts): void;
  warn(event: LogEvent, facts?: LogFacts): void;
  error(event: LogEvent, facts?: LogFacts): void;
  /** Anything thrown, as a line: redacted (I4) and cut. */
  failure(error: unknown): void;
}

/** How a log is made. */
export interface LogOptions {
  readonly format: LogFormat;
  /** Takes whole lines, with their line feed; standard error unless said. */
  readonly write?: (line: string) => void;
}

const toStandardError = (line: string): void => void process.stderr.write(line);

/**
 * A log whose lines cannot be forged: line feeds, control, bidi and invisible characters in what a line says are written as
 * their code points, in both formats.
 */
export function createLog({ format, write = toStandardError }: LogOptions): Log {
  const logger = pino(
    {
      // Process and host are the business of whoever gathers the lines.
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    { write: (line: string) => write(format === 'json' ? escapeLine(line) : lineToText(line)) },
  );
  const at =
    (level: 'info' | 'warn' | 'error') =>
    (event: LogEvent, facts: LogFacts = {}): void =>
      logger[level]({ event, ...facts });
  const error = at('error');
  return {
    info: at('info'),
    warn: at('warn'),
    error,
    failure: (thrown) => error('failure', { message: errorToLine(thrown) }),
  };
}

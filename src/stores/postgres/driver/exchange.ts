import type { SqlRow, SqlValue } from '../../sql/value.ts';
import { type Cell, cellParserOf, toParameter } from './cell.ts';

/*
 * Several statements in one round trip, by the extended protocol with a single Sync at the end:
 *
 *   Parse Bind Describe Execute │ Parse Bind Describe Execute │ … │ Sync  ──►  results of all, or one error
 *
 * PostgreSQL runs what stands before a Sync in one transaction when none was begun, and skips the rest after an error. So
 * a setting made by the first statement holds for the others and for nothing after them, which is what a pooler in
 * transaction mode asks for. Statements have no names: nothing stays on the connection.
 */

/** One statement with its values. */
export interface Statement {
  readonly sql: string;
  readonly values?: readonly Cell[];
}

/** What a statement gave. */
export interface Answer {
  readonly rows: readonly SqlRow[];
  /** Rows changed or given. */
  readonly count: number;
}

/** The part of the driver's connection that an exchange writes to. */
export interface Wire {
  parse(message: { text: string; name: string; types: readonly number[] | undefined }): void;
  bind(message: { portal: string; statement: string; values: readonly (string | Buffer | null)[] }): void;
  describe(message: { type: 'P'; name: string }): void;
  execute(message: { portal: string; rows: number }): void;
  sync(): void;
  sendCopyFail(message: string): void;
  readonly stream: { cork?(): void; uncork?(): void };
}

interface Field {
  readonly name: string;
  readonly dataTypeID: number;
}

/** What the driver calls while it reads the answers; its own queries have the same methods. */
export interface Exchange {
  submit(wire: Wire): Error | null;
  handleRowDescription(message: { fields: readonly Field[] }): void;
  handleDataRow(message: { fields: readonly (string | null)[] }): void;
  handleCommandComplete(message: { text: string }): void;
  handleEmptyQuery(): void;
  handlePortalSuspended(): void;
  handleError(error: unknown): void;
  handleReadyForQuery(): void;
  handleCopyInResponse(wire: Wire): void;
  handleCopyData(): void;
  callback: ((error: unknown, answers?: readonly Answer[]) => void) | undefined;
}

/** An exchange of these statements; `done` is called once. */
export function createExchange(
  statements: readonly Statement[],
  done: (error: unknown, answers: readonly Answer[]) => void,
): Exchange {
  const answers: Answer[] = [];
  let names: readonly string[] = [];
  let parsers: readonly ((text: string) => SqlValue)[] = [];
  let rows: SqlRow[] = [];
  let failure: unknown = null;
  let isDone = false;
  const finish = (error: unknown): void => {
    if (isDone) return;
    isDone = true;
    done(error, answers);
  };
  const complete = (text: string): void => {
    answers.push({ rows, count: Number(/\d+$/.exec(text)?.[0] ?? 0) });
    rows = [];
  };
  return {
    callback: undefined,
    submit(wire) {
      wire.stream.cork?.();
      try {
        for (const { sql, values = [] } of statements) {
          wire.parse({ text: sql, name: '', types: undefined });
          wire.bind({ portal: '', statement: '', values: values.map(toParameter) });
          wire.describe({ type: 'P', name: '' });
          wire.execute({ portal: '', rows: 0 });
        }
      } catch (error) {
        failure = error;
      }
      wire.sync();
      wire.stream.uncork?.();
      return null;
    },
    handleRowDescription({ fields }) {
      names = fields.map(({ name }) => name);
      parsers = fields.map(({ dataTypeID }) => cellParserOf(dataTypeID));
    },
    handleDataRow({ fields }) {
      const row: Record<string, SqlValue> = {};
      for (let at = 0; at < names.length; at += 1) {
        const text = fields[at] ?? null;
        row[names[at]!] = text === null ? null : parsers[at]!(text);
      }
      rows.push(row);
    },
    handleCommandComplete: ({ text }) => complete(text),
    handleEmptyQuery: () => complete(''),
    handlePortalSuspended() {},
    handleError: finish,
    handleReadyForQuery: () => finish(failure),
    // COPY is in none of our statements; if it were, the server would wait for ever.
    handleCopyInResponse: (wire) => wire.sendCopyFail('no data'),
    handleCopyData() {},
  };
}

import type { SqlRow, SqlValue } from '../../sql/value.ts';
import { type Cell, cellParserOf, toParameter } from './cell.ts';
import { isNameLost } from './failure.ts';
import { type Fields, forgetNames, type Named, nameOf, type StatementNames } from './names.ts';

/*
 * Several statements in one round trip, by the extended protocol with a single Sync at the end:
 *
 *   Parse Bind Describe Execute │ Parse Bind Describe Execute │ … │ Sync  ──►  results of all, or one error
 *
 * PostgreSQL runs what stands before a Sync in one transaction when none was begun, and skips the rest after an error. So
 * a setting made by the first statement holds for the others and for nothing after them, which is what a pooler in
 * transaction mode asks for. A statement that the server knows by name is Bind and Execute alone; without names nothing
 * stays on the connection.
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
  close(message: { type: 'S'; name: string }): void;
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

const noFields: Fields = { names: [], parsers: [] };

// Which process answers: asked last, as what stands before it may have to begin a transaction.
const whoAnswers: Statement = { sql: 'SELECT pg_catalog.pg_backend_pid()' };

/** What an exchange knows of its connection. */
export interface ExchangeParts {
  readonly names: StatementNames;
  /** The process of the server that the connection was greeted by. */
  readonly greeter: number | null;
  /** How many of the statements, from the first, the server may keep by name: those whose texts are few. */
  readonly kept: number;
}

/** An exchange of these statements; `done` is called once. */
export function createExchange(
  statements: readonly Statement[],
  { names, greeter, kept }: ExchangeParts,
  done: (error: unknown, answers: readonly Answer[]) => void,
): Exchange {
  const isAsking = kept > 0 && names.isDirect === null && greeter !== null;
  const sent = isAsking ? [...statements, whoAnswers] : statements;
  let named: (Named | null)[] = [];
  const answers: Answer[] = [];
  let fields = noFields;
  let rows: SqlRow[] = [];
  let failure: unknown = null;
  let isDone = false;
  const finish = (error: unknown): void => {
    if (isDone) return;
    isDone = true;
    if (isNameLost(error)) forgetNames(names);
    if (error === null && isAsking) names.isDirect = answers.pop()!.rows[0]!.pg_backend_pid === greeter;
    done(error, answers);
  };
  const expect = (): void => {
    fields = named[answers.length]?.fields ?? noFields;
    rows = [];
  };
  const complete = (text: string): void => {
    const own = named[answers.length];
    if (own !== null && own !== undefined) own.fields = fields;
    answers.push({ rows, count: Number(/\d+$/.exec(text)?.[0] ?? 0) });
    expect();
  };
  const send = (wire: Wire, { sql, values = [] }: Statement, by: Named | null): void => {
    const statement = by?.name ?? '';
    const isKnown = by !== null && by.fields !== null;
    // One of this name may be there after all, when the exchange that told it failed.
    if (by !== null && !isKnown) wire.close({ type: 'S', name: statement });
    if (!isKnown) wire.parse({ text: sql, name: statement, types: undefined });
    wire.bind({ portal: '', statement, values: values.map(toParameter) });
    if (!isKnown) wire.describe({ type: 'P', name: '' });
    wire.execute({ portal: '', rows: 0 });
  };
  return {
    callback: undefined,
    submit(wire) {
      wire.stream.cork?.();
      try {
        named = sent.map(({ sql }, index) => (index < kept ? nameOf(names, sql) : null));
        for (const [index, statement] of sent.entries()) send(wire, statement, named[index]!);
      } catch (error) {
        failure = error;
      }
      expect();
      wire.sync();
      wire.stream.uncork?.();
      return null;
    },
    handleRowDescription(message) {
      fields = {
        names: message.fields.map(({ name }) => name),
        parsers: message.fields.map(({ dataTypeID }) => cellParserOf(dataTypeID)),
      };
    },
    handleDataRow(message) {
      const { names: columns, parsers } = fields;
      const row: Record<string, SqlValue> = {};
      for (let at = 0; at < columns.length; at += 1) {
        const text = message.fields[at] ?? null;
        row[columns[at]!] = text === null ? null : parsers[at]!(text);
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

import type { Command } from 'commander';
import type { OpenedHome } from '../open.ts';
import { openTachograph } from '../open.ts';
import type { Terminal } from '../print/terminal.ts';

/** Options every command takes. */
export interface GlobalOptions {
  readonly home?: string;
  readonly project?: string;
  readonly database?: string;
  readonly json?: boolean;
}

/** Exit statuses: done, found wanting, wrong usage. */
export const exitStatus = { done: 0, wanting: 1, usage: 2 } as const;

/** What a command is given beside its own arguments. */
export interface CommandPlace {
  readonly terminal: Terminal;
  /** Sets the status the process ends with. */
  exit(status: number): void;
}

/** The options of a command together with the global ones. */
export function optionsOf<T extends object>(command: Command): T & GlobalOptions {
  return command.optsWithGlobals<T & GlobalOptions>();
}

/** Opens the home, brings the store up to date with the journals, works, and closes whatever happened. */
export async function withHome<T>(options: GlobalOptions, work: (opened: OpenedHome) => Promise<T>): Promise<T> {
  const opened = await openTachograph({
    ...(options.home === undefined ? {} : { home: options.home }),
    ...(options.project === undefined ? {} : { project: options.project }),
    ...(options.database === undefined ? {} : { database: options.database }),
  });
  try {
    await opened.indexer.catchUp();
    return await work(opened);
  } finally {
    await opened.close();
  }
}

/** Prints a value as one JSON document. */
export function printJson(terminal: Terminal, value: unknown): void {
  terminal.print(
    JSON.stringify(
      value,
      (_key, item: unknown) => (item instanceof Uint8Array ? Buffer.from(item).toString('hex') : item),
      2,
    ),
  );
}

/** Gathers the values of an option that may be given several times. */
export const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** Help text of examples, below a command's options. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}

/** The state of a run's page as its address shows it. */
export interface RunPageSearch {
  /** The selected row: a step's number, `<child run>.<number>`, or `run.<child run>`. */
  readonly step?: string;
  /** Tab of the inspector. */
  readonly tab?: string;
  /** Words looked for in this run. */
  readonly q?: string;
}

/** Reads the page's state from an address; unknown fields are left out. */
export function parseRunPageSearch(raw: Readonly<Record<string, unknown>>): RunPageSearch {
  const search: Record<string, string> = {};
  for (const field of ['step', 'tab', 'q'] as const) {
    const value = raw[field];
    if (typeof value === 'string' && value !== '') search[field] = value;
  }
  return search as RunPageSearch;
}

/** The row key that an address selects in the page of `runId`; `null` for none. */
export function selectionToKey(runId: string, selection: string | undefined): string | null {
  if (selection === undefined) return null;
  return /^\d+$/.test(selection) ? `${runId}.${selection}` : selection;
}

/** The shortest form of a row key for the address. */
export function keyToSelection(runId: string, key: string): string {
  return key.startsWith(`${runId}.`) ? key.slice(runId.length + 1) : key;
}

/** What a row key names. */
export function parseRowKey(key: string): { readonly runId: string; readonly number: number | null } {
  if (key.startsWith('run.')) return { runId: key.slice(4), number: null };
  const dot = key.lastIndexOf('.');
  const number = Number(key.slice(dot + 1));
  return { runId: key.slice(0, dot), number: Number.isInteger(number) && number > 0 ? number : null };
}

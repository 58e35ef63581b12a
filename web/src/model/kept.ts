/** A small text that outlives a page where the browser allows it, and lives as long as the page where it does not. */
export interface Kept {
  get(): string | null;
  /** `null` forgets it. */
  set(value: string | null): void;
}

/** Keeps a text under a name until the browser is told to clear it. Never throws. */
export function createKept(name: string): Kept {
  let memory: string | null = null;
  // Reading the property throws where storage is forbidden, and it is absent outside a browser.
  const withStorage = <T>(use: (storage: Storage) => T): T | null => {
    try {
      return use(globalThis.localStorage);
    } catch {
      return null;
    }
  };
  return {
    get: () => withStorage((storage) => storage.getItem(name)) ?? memory,
    set: (value) => {
      memory = value;
      withStorage((storage) => (value === null ? storage.removeItem(name) : storage.setItem(name, value)));
    },
  };
}

/** The part of a lock file that is read here. */
export interface Lock {
  packages: Record<string, LockEntry>;
}

/** One package of a lock file. */
export interface LockEntry {
  version?: string;
  resolved?: string;
  dev?: boolean;
  optional?: boolean;
  cpu?: string[];
  libc?: string[];
  os?: string[];
  optionalDependencies?: Record<string, string>;
}

/** Optional packages that the lock file names as a dependency and has no entry for. */
export function absentOptionals(lock: Lock): { name: string; version: string; dev: boolean }[] {
  const absent = Object.entries(lock.packages).flatMap(([path, entry]) =>
    Object.entries(entry.optionalDependencies ?? {})
      .filter(
        ([name]) => !(`node_modules/${name}` in lock.packages) && !(`${path}/node_modules/${name}` in lock.packages),
      )
      .map(([name, version]) => ({ name, version, dev: entry.dev === true })),
  );
  return [...new Map(absent.map((each) => [each.name, each])).values()];
}

/** Addresses that entries were fetched from: they would tie the project to one registry. */
export function registryAddresses(lock: Lock): string[] {
  return Object.values(lock.packages).flatMap(({ resolved }) =>
    resolved !== undefined && /^[a-z+]+:/.test(resolved) ? [resolved] : [],
  );
}

import type { LangChainHandler } from './handler.ts';
import { toFields } from './vendor.ts';

// LangChain asks for handlers that a process wants everywhere through a hook. It keeps its hooks, and what they name, as
// variables of its async context:
//
//   configure ──► getContextVariable(hooks) ──► [{ contextVar: 'tachograph' }]
//             ──► getContextVariable('tachograph') ──► handler
//
// The context is one AsyncLocalStorage of the process, under a registered symbol, made by the part of LangChain or
// LangGraph that needs it first; plain LangChain makes none. So the variables are answered where they are read, and only
// there: everybody else sees the storage as it is, and its absence as an absence.

const storageKey = Symbol.for('ls:tracing_async_local_storage');
const variablesKey = Symbol.for('lc:context_variables');
/** The description of the symbol under which LangChain keeps its hooks; the symbol itself is its own. */
const hooksName = 'lc:configure_hooks';
/** The function of LangChain that reads a variable. */
const readerName = 'getContextVariable';
const variableName = 'tachograph';

const hook = { contextVar: variableName, inheritable: true };

interface Storage {
  getStore(): unknown;
  run?(store: unknown, callback: () => unknown): unknown;
}

type Variables = Record<string | symbol, unknown>;

const framesMax = 8;

/** True inside LangChain's reading of a variable. Asked only where no variables are known yet. Never throws (I1). */
function isRead(): boolean {
  const before = Error.stackTraceLimit;
  try {
    Error.stackTraceLimit = framesMax;
    try {
      return String(new Error().stack).includes(readerName);
    } finally {
      Error.stackTraceLimit = before;
    }
  } catch {
    // Stacks that a program has frozen, or prepares in a way of its own, tell nothing: then LangChain is left alone.
    return false;
  }
}

/** What answers for the variables that a context has not set itself. */
function createFallback(handler: LangChainHandler): object {
  return new Proxy(Object.prototype, {
    get(target, key, receiver) {
      if (key === variableName) return handler;
      if (typeof key === 'symbol' && key.description === hooksName) return [hook];
      return Reflect.get(target, key, receiver) as unknown;
    },
  });
}

/** Adds the hook to the hooks that a program registered before, which are its own property. */
function joinHooks(variables: Variables): void {
  for (const key of Object.getOwnPropertySymbols(variables)) {
    const hooks = variables[key];
    if (key.description === hooksName && Array.isArray(hooks) && !hooks.includes(hook))
      variables[key] = [...hooks, hook];
  }
}

/**
 * Puts a handler into LangChain's configure hook of this process, now or when LangChain is loaded. Undone by the function
 * given back. A process in which another copy of this did so already is left as it is.
 */
export function hookConfigure(handler: LangChainHandler): () => void {
  const globals = globalThis as unknown as Record<symbol, unknown>;
  const descriptor = Object.getOwnPropertyDescriptor(globalThis, storageKey);
  if (descriptor?.get !== undefined || descriptor?.configurable === false) return () => undefined;
  const fallback = createFallback(handler);
  const bare: Variables = Object.create(fallback) as Variables;
  const standIn: Storage = { getStore: () => ({ [variablesKey]: bare }), run: (_store, callback) => callback() };
  const patched = new Set<Storage>();
  let storage: unknown = descriptor?.value;
  let isOn = true;

  /** The store with its variables; a store that has none is given them, as LangChain itself would. */
  const withVariables = (store: unknown): unknown => {
    const fields = toFields(store) as Record<symbol, Variables> | null;
    if (fields === null) return { [variablesKey]: bare };
    const variables = fields[variablesKey];
    if (variables === undefined) {
      if (!Object.isExtensible(fields)) return store;
      fields[variablesKey] = bare;
    } else if (Object.getPrototypeOf(variables) === Object.prototype) {
      joinHooks(variables);
      Object.setPrototypeOf(variables, fallback);
    }
    return store;
  };

  const isKnown = (store: unknown): boolean => {
    const variables = (toFields(store) as Record<symbol, unknown> | null)?.[variablesKey];
    return variables !== undefined && variables !== null && Object.getPrototypeOf(variables) === fallback;
  };

  const patch = (given: unknown): void => {
    const target = given as Storage;
    if (toFields(given) === null || typeof target.getStore !== 'function' || patched.has(target)) return;
    const read = target.getStore.bind(target);
    const getStore = (): unknown => {
      const store = read();
      return isOn && !isKnown(store) && isRead() ? withVariables(store) : store;
    };
    Object.defineProperty(target, 'getStore', { value: getStore, configurable: true, writable: true });
    patched.add(target);
  };

  patch(storage);
  Object.defineProperty(globalThis, storageKey, {
    configurable: true,
    enumerable: true,
    get: () => storage ?? (isOn && isRead() ? standIn : undefined),
    set(value: unknown) {
      storage = value;
      patch(value);
    },
  });

  return () => {
    if (!isOn) return;
    isOn = false;
    for (const one of patched) delete (one as Partial<Storage>).getStore;
    Object.defineProperty(globalThis, storageKey, {
      value: storage,
      configurable: true,
      enumerable: true,
      writable: true,
    });
    if (storage === undefined) delete globals[storageKey];
  };
}

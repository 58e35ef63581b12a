import type { Call } from './call.ts';
import { toJson } from './vendor.ts';

/** Requests of one direction that have no answer yet. */
export interface CallBook {
  add(call: Call): void;
  /** The oldest open request of this id, which stays. */
  find(id: unknown): Call | null;
  /** The oldest open request of this id, which is taken out. */
  take(id: unknown): Call | null;
  /** The request that asked for progress under this token. */
  findByToken(token: unknown): Call | null;
  remove(call: Call): void;
  readonly open: ReadonlySet<Call>;
}

/** An id as a key. A peer may send anything: an object, which is no id, is told apart by its JSON. */
function toKey(id: unknown): string {
  return `${typeof id}:${typeof id === 'object' ? toJson(id) : String(id)}`;
}

/** The same digits as text and as number: the SDKs take `"1"` for the answer to `1`. */
function toOtherKey(id: unknown): string | null {
  if (typeof id === 'number') return `string:${id}`;
  if (typeof id !== 'string' || id.trim() === '' || Number.isNaN(Number(id))) return null;
  return `number:${Number(id)}`;
}

/** An empty book. Two open requests of one id, which a hostile peer may send, are answered in the order they came. */
export function createCallBook(): CallBook {
  const listByKey = new Map<string, Call[]>();
  const open = new Set<Call>();

  const listOf = (id: unknown): Call[] | undefined => {
    const other = toOtherKey(id);
    return listByKey.get(toKey(id)) ?? (other === null ? undefined : listByKey.get(other));
  };
  const remove = (call: Call): void => {
    open.delete(call);
    const key = toKey(call.id);
    const rest = listByKey.get(key)?.filter((each) => each !== call) ?? [];
    if (rest.length === 0) listByKey.delete(key);
    else listByKey.set(key, rest);
  };

  return {
    open,
    remove,
    add(call) {
      open.add(call);
      const key = toKey(call.id);
      const list = listByKey.get(key);
      if (list === undefined) listByKey.set(key, [call]);
      else list.push(call);
    },
    find: (id) => listOf(id)?.[0] ?? null,
    take(id) {
      const call = listOf(id)?.[0] ?? null;
      if (call !== null) remove(call);
      return call;
    },
    findByToken(token) {
      if (token === undefined) return null;
      for (const call of open) if (call.token === token) return call;
      return null;
    },
  };
}

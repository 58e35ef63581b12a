/** Room shared out between those that want some, in turns. */
export interface Turns {
  /** How much each of these gets of `room`, in the order in which they are asked: whoever came last begins the next time. */
  share(room: number, names: readonly string[]): readonly { readonly name: string; readonly room: number }[];
  /** The next of these whose turn it is. */
  next(names: readonly string[]): string | null;
}

/** Names from the one behind `last` on, around. */
function rotate(names: readonly string[], last: string | null): string[] {
  const sorted = names.toSorted();
  const at = last === null ? 0 : sorted.findIndex((name) => name > last);
  return at <= 0 ? sorted : [...sorted.slice(at), ...sorted.slice(0, at)];
}

/**
 * Turns that remember who was served last, so that nobody waits longer than one round of the others however much these ask
 * for.
 */
export function createTurns(): Turns {
  let lastShared: string | null = null;
  let lastNext: string | null = null;
  return {
    share(room, names) {
      if (room <= 0 || names.length === 0) return [];
      const each = Math.floor(room / names.length);
      const over = room % names.length;
      const shares = rotate(names, lastShared).map((name, index) => ({ name, room: each + (index < over ? 1 : 0) }));
      const served = shares.filter((share) => share.room > 0);
      // With less room than names those left out are the first of the next round.
      lastShared = served.length < shares.length ? served.at(-1)!.name : shares[0]!.name;
      return served;
    },
    next(names) {
      const [name = null] = rotate(names, lastNext);
      lastNext = name;
      return name;
    },
  };
}

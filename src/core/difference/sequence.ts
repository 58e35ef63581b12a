/** One row of an alignment: indexes into the two lists, `null` where a side has nothing. */
export interface Aligned {
  readonly a: number | null;
  readonly b: number | null;
}

/** Edits past which a stretch is paired in order instead of searched: the search costs the square of them. */
const editsMax = 600;

interface Stretch {
  readonly a: readonly [from: number, to: number];
  readonly b: readonly [from: number, to: number];
}

/** Myers' greedy search for the shortest edit; the pairs it keeps, or `null` past `editsMax` edits. */
function findPairs(a: readonly string[], b: readonly string[], stretch: Stretch): [number, number][] | null {
  const [fromA, toA] = stretch.a;
  const [fromB, toB] = stretch.b;
  const n = toA - fromA;
  const m = toB - fromB;
  const limit = Math.min(editsMax, n + m);
  const reach = new Int32Array(2 * limit + 2);
  const trace: Int32Array[] = [];
  for (let d = 0; d <= limit; d += 1) {
    trace.push(reach.slice(limit - d, limit + d + 1));
    for (let k = -d; k <= d; k += 2) {
      const isDown = k === -d || (k !== d && reach[limit + k - 1]! < reach[limit + k + 1]!);
      let x = isDown ? reach[limit + k + 1]! : reach[limit + k - 1]! + 1;
      if (d === 0) x = 0;
      while (x < n && x - k < m && a[fromA + x] === b[fromB + x - k]) x += 1;
      reach[limit + k] = x;
      if (x >= n && x - k >= m) return walkBack(trace, { n, m, fromA, fromB });
    }
  }
  return null;
}

function walkBack(
  trace: readonly Int32Array[],
  at: { n: number; m: number; fromA: number; fromB: number },
): [number, number][] {
  const pairs: [number, number][] = [];
  let { n: x, m: y } = at;
  for (let d = trace.length - 1; d >= 0; d -= 1) {
    // What the search had reached before this edit, by diagonal from -d on.
    const before = trace[d]!;
    const k = x - y;
    const value = (diagonal: number): number => before[diagonal + d] ?? -1;
    const isDown = k === -d || (k !== d && value(k - 1) < value(k + 1));
    const from = isDown ? k + 1 : k - 1;
    const fromX = d === 0 ? 0 : value(from);
    const fromY = d === 0 ? 0 : fromX - from;
    while (x > fromX && y > fromY && x > 0 && y > 0) {
      x -= 1;
      y -= 1;
      pairs.push([at.fromA + x, at.fromB + y]);
    }
    x = fromX;
    y = fromY;
  }
  return pairs.reverse();
}

/** Pairs equal keys in order, looking ahead a little: for stretches that have little in common. */
function pairInOrder(a: readonly string[], b: readonly string[], stretch: Stretch): [number, number][] {
  const ahead = 64;
  const pairs: [number, number][] = [];
  let nextB = stretch.b[0];
  for (let at = stretch.a[0]; at < stretch.a[1] && nextB < stretch.b[1]; at += 1) {
    const until = Math.min(stretch.b[1], nextB + ahead);
    let found = nextB;
    while (found < until && b[found] !== a[at]) found += 1;
    if (found === until) continue;
    pairs.push([at, found]);
    nextB = found + 1;
  }
  return pairs;
}

/** Turns pairs that rise on both sides into rows with everything between them, what only `a` has first. */
export function pairsToRows(
  pairs: readonly (readonly [number, number])[],
  lengthA: number,
  lengthB: number,
): Aligned[] {
  const rows: Aligned[] = [];
  let a = 0;
  let b = 0;
  const fill = (untilA: number, untilB: number): void => {
    for (; a < untilA; a += 1) rows.push({ a, b: null });
    for (; b < untilB; b += 1) rows.push({ a: null, b });
  };
  for (const [nextA, nextB] of pairs) {
    fill(nextA, nextB);
    rows.push({ a, b });
    a += 1;
    b += 1;
  }
  fill(lengthA, lengthB);
  return rows;
}

/** Pairs of equal keys within a stretch, rising on both sides: equal ends first, the shortest edit between them. */
export function pairStretch(a: readonly string[], b: readonly string[], stretch: Stretch): [number, number][] {
  let [fromA, toA] = stretch.a;
  let [fromB, toB] = stretch.b;
  const first: [number, number][] = [];
  const last: [number, number][] = [];
  while (fromA < toA && fromB < toB && a[fromA] === b[fromB]) first.push([fromA++, fromB++]);
  while (fromA < toA && fromB < toB && a[toA - 1] === b[toB - 1]) last.push([--toA, --toB]);
  const inner: Stretch = { a: [fromA, toA], b: [fromB, toB] };
  const isEmpty = fromA === toA || fromB === toB;
  const between = isEmpty ? [] : (findPairs(a, b, inner) ?? pairInOrder(a, b, inner));
  return [...first, ...between, ...last.reverse()];
}

/** Aligns two lists of keys. Equal keys only are paired. */
export function alignSequences(a: readonly string[], b: readonly string[]): Aligned[] {
  const pairs = pairStretch(a, b, { a: [0, a.length], b: [0, b.length] });
  return pairsToRows(pairs, a.length, b.length);
}

/** Keys that each list has once, as pairs that rise on both sides: the longest such chain. */
export function findAnchors(a: readonly string[], b: readonly string[]): [number, number][] {
  const onceIn = (keys: readonly string[]): Map<string, number> => {
    const places = new Map<string, number>();
    keys.forEach((key, at) => places.set(key, places.has(key) ? -1 : at));
    return places;
  };
  const inB = onceIn(b);
  const pairs: [number, number][] = [];
  for (const [key, at] of onceIn(a)) {
    const other = inB.get(key) ?? -1;
    if (at >= 0 && other >= 0) pairs.push([at, other]);
  }
  return longestRising(pairs);
}

/** The longest chain of pairs whose second members rise; the first ones do already. */
function longestRising(pairs: readonly [number, number][]): [number, number][] {
  const ends: number[] = [];
  const previous = new Int32Array(pairs.length).fill(-1);
  for (let at = 0; at < pairs.length; at += 1) {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (pairs[ends[middle]!]![1] < pairs[at]![1]) low = middle + 1;
      else high = middle;
    }
    if (low > 0) previous[at] = ends[low - 1]!;
    ends[low] = at;
  }
  const chain: [number, number][] = [];
  for (let at = ends.at(-1) ?? -1; at >= 0; at = previous[at]!) chain.push(pairs[at]!);
  return chain.reverse();
}

/**
 * Aligns two lists by two keys of each item. Items equal by the fine key, and only once there, hold the alignment; what
 * is between them is aligned by the coarse key.
 */
export function alignByAnchors(
  a: readonly { readonly fine: string; readonly coarse: string }[],
  b: readonly { readonly fine: string; readonly coarse: string }[],
): Aligned[] {
  const anchors = findAnchors(
    a.map(({ fine }) => fine),
    b.map(({ fine }) => fine),
  );
  const coarseA = a.map(({ coarse }) => coarse);
  const coarseB = b.map(({ coarse }) => coarse);
  const pairs: [number, number][] = [];
  let from: [number, number] = [0, 0];
  for (const anchor of [...anchors, [a.length, b.length] as [number, number]]) {
    pairs.push(...pairStretch(coarseA, coarseB, { a: [from[0], anchor[0]], b: [from[1], anchor[1]] }));
    if (anchor[0] < a.length) pairs.push(anchor);
    from = [anchor[0] + 1, anchor[1] + 1];
  }
  return pairsToRows(pairs, a.length, b.length);
}

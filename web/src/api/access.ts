import { queryOptions } from '@tanstack/react-query';
import { getJson, postJson } from './client.ts';
import { paths } from './paths.ts';
import type { WireAccess } from './wire.ts';

/** Who this page is signed in as, and whether the server wants that. */
export const accessQuery = queryOptions({
  queryKey: ['access'],
  queryFn: ({ signal }) => getJson<WireAccess>(paths.access, signal),
  staleTime: 60_000,
});

/** Signs this browser in by a key that may read; the key itself is not kept. Throws `ApiError` for one that is refused. */
export function signIn(key: string): Promise<WireAccess> {
  return postJson<WireAccess>(paths.signIn, { key });
}

/** Forgets who this browser was signed in as. Throws `ApiError` when the server can't be reached. */
export async function signOut(): Promise<void> {
  await postJson<unknown>(paths.signOut, {});
}

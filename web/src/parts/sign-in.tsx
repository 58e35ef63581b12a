import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { accessQuery, signIn, signOut } from '../api/access.ts';
import { ApiError } from '../api/client.ts';
import { isOffline } from '../api/book.ts';

function toWords(error: unknown): string {
  if (!(error instanceof ApiError)) return String(error);
  if (error.status === 403) return 'This key may not read. Ask for one with the scope read.';
  if (error.status === 401) return 'The server does not know this key, or it has expired or was revoked.';
  return error.message;
}

/** Asks for a key and signs in by it; everything that was refused is then asked again. */
export function SignIn() {
  const client = useQueryClient();
  const [key, setKey] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async (): Promise<void> => {
    setBusy(true);
    try {
      await signIn(key.trim());
      await client.resetQueries();
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  return (
    <form
      className="key-form"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <label>
        Key with the scope read
        <input
          type="password"
          autoComplete="current-password"
          autoFocus
          required
          value={key}
          placeholder="tk_…"
          onChange={(event) => setKey(event.target.value)}
        />
      </label>
      <button type="submit" className="button" disabled={isBusy}>
        {isBusy ? 'Signing in …' : 'Sign in'}
      </button>
      {error === null ? null : (
        <p className="bad" role="alert">
          {toWords(error)}
        </p>
      )}
      <p className="muted">
        Whoever runs this server makes one: <code>tachograph keys create --name me --scope read</code>. You stay signed
        in for twelve hours.
      </p>
    </form>
  );
}

/** Whose records these are, and the way out, where a key was needed to get in. */
export function SignedIn() {
  const client = useQueryClient();
  const { data } = useQuery({ ...accessQuery, enabled: !isOffline });
  if (data === undefined || data.keyId === null) return null;
  return (
    <>
      <span className="bar-note" title={`Signed in by the key ${data.keyId}`}>
        {data.projectId}
      </span>
      <button
        type="button"
        className="bar-button"
        onClick={() =>
          void signOut().then(
            () => client.resetQueries(),
            () => undefined,
          )
        }
      >
        Sign out
      </button>
    </>
  );
}

import { useState } from 'react';
import type { ReactNode } from 'react';
import { ApiError, setApiKey } from '../api/client.ts';
import { Words } from './recorded-text.tsx';

/** A quiet state in place of content: nothing there, nothing found, still loading. */
export function Notice({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="notice">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** Grey bars in place of what is on its way. */
export function Loading({ label, rows = 8 }: { label: string; rows?: number }) {
  return (
    <div className="loading" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} className="loading-row" />
      ))}
    </div>
  );
}

function KeyForm({ onDone }: { onDone: () => void }) {
  const [key, setKey] = useState('');
  return (
    <form
      className="key-form"
      onSubmit={(event) => {
        event.preventDefault();
        setApiKey(key.trim());
        onDone();
      }}
    >
      <label>
        Key with the scope read
        <input
          type="password"
          autoComplete="off"
          value={key}
          placeholder="tk_…"
          onChange={(event) => setKey(event.target.value)}
        />
      </label>
      <button type="submit" className="button">
        Use this key
      </button>
      <p className="muted">It stays in this tab and is forgotten with it.</p>
    </form>
  );
}

/** What went wrong, in words, with a way on. A refused key can be given anew. */
export function Failure({ error, what, onRetry }: { error: unknown; what: string; onRetry: () => void }) {
  const known = error instanceof ApiError ? error : null;
  return (
    <div className="notice notice-bad" role="alert">
      <h2>{known?.status === 401 ? 'This server wants a key' : `${what} can’t be shown`}</h2>
      <p>
        <Words text={error instanceof Error ? error.message : String(error)} charsMax={600} />
        {known?.code ? <code className="code">{known.code}</code> : null}
      </p>
      {known?.status === 401 ? <KeyForm onDone={onRetry} /> : null}
      <button type="button" className="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  );
}

import type { ReactNode } from 'react';
import { ApiError } from '../api/client.ts';
import { SignIn } from './sign-in.tsx';
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

/** What went wrong, in words, with a way on. Where a key is missing, it can be given. */
export function Failure({ error, what, onRetry }: { error: unknown; what: string; onRetry: () => void }) {
  const known = error instanceof ApiError ? error : null;
  if (known?.status === 401)
    return (
      <div className="notice">
        <h2>Sign in</h2>
        <SignIn />
      </div>
    );
  return (
    <div className="notice notice-bad" role="alert">
      <h2>{what} can’t be shown</h2>
      <p>
        <Words text={error instanceof Error ? error.message : String(error)} charsMax={600} />
        {known?.code ? <code className="code">{known.code}</code> : null}
      </p>
      <button type="button" className="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  );
}

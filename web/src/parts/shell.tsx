import { Link, Outlet } from '@tanstack/react-router';
import { useState } from 'react';
import { isOffline } from '../api/book.ts';
import { HelpDialog } from './help-dialog.tsx';
import { ThemeToggle } from './theme-toggle.tsx';
import { SignedIn } from './sign-in.tsx';
import { useKeys } from './use-keys.ts';

/** The frame around every page: name, way home, theme, help. */
export function Shell() {
  const [isHelpOpen, setHelpOpen] = useState(false);
  useKeys({ '?': () => setHelpOpen(true) });
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="bar">
        <Link to="/" search={{}} className="brand">
          <svg width="18" height="18" viewBox="0 0 32 32" aria-hidden="true">
            <circle cx="16" cy="16" r="13" fill="none" stroke="currentColor" strokeWidth="2.6" />
            <path d="M16 16 L16 6.5 M16 16 L22.5 20" stroke="currentColor" strokeWidth="2.6" strokeLinecap="round" />
          </svg>
          <span className="brand-name">Tachograph</span>
        </Link>
        <nav aria-label="Pages">
          <Link to="/" search={{}} className="bar-link" activeOptions={{ exact: true, includeSearch: false }}>
            Runs
          </Link>
          {isOffline ? null : (
            <Link to="/work" search={{}} className="bar-link" activeOptions={{ includeSearch: false }}>
              Work
            </Link>
          )}
          {isOffline ? null : (
            <Link to="/numbers" search={{}} className="bar-link" activeOptions={{ includeSearch: false }}>
              Numbers
            </Link>
          )}
        </nav>
        <div className="bar-space" />
        {isOffline ? (
          <span className="bar-note" title="This page holds its runs and asks no network">
            offline copy
          </span>
        ) : null}
        <SignedIn />
        <ThemeToggle />
        <button type="button" className="bar-button" title="Keys (?)" onClick={() => setHelpOpen(true)}>
          ?<span className="sr-only"> Keys</span>
        </button>
      </header>
      <main id="main" className="main" tabIndex={-1}>
        <Outlet />
      </main>
      <HelpDialog open={isHelpOpen} onClose={() => setHelpOpen(false)} />
    </div>
  );
}

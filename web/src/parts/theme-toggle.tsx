import { useState } from 'react';
import { createKept } from '../model/kept.ts';

const themes = ['auto', 'light', 'dark'] as const;
type Theme = (typeof themes)[number];
const kept = createKept('tachograph-theme');

function storedTheme(): Theme {
  const stored = kept.get();
  return themes.find((theme) => theme === stored) ?? 'auto';
}

/** Puts the chosen theme on the page; `auto` follows the system. Call once before the first paint. */
export function applyTheme(theme: Theme = storedTheme()): void {
  document.documentElement.dataset['theme'] = theme;
}

/** Steps through auto, light and dark, and keeps the choice. */
export function ThemeToggle() {
  const [theme, setTheme] = useState(storedTheme);
  const next = themes[(themes.indexOf(theme) + 1) % themes.length]!;
  return (
    <button
      type="button"
      className="bar-button"
      title={`Theme: ${theme}. Change to ${next}`}
      onClick={() => {
        kept.set(next);
        applyTheme(next);
        setTheme(next);
      }}
    >
      <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
        <circle cx="7" cy="7" r="5.5" fill="none" stroke="currentColor" strokeWidth="1.4" />
        <path d="M7 1.5 A5.5 5.5 0 0 1 7 12.5 Z" fill="currentColor" />
      </svg>
      <span className="wide-only">{theme}</span>
      <span className="sr-only">theme</span>
    </button>
  );
}

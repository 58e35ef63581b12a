import { useEffect, useRef } from 'react';

/** What a key does. Returning `false` leaves the key to the browser. */
export type KeyActions = Readonly<Record<string, (event: KeyboardEvent) => void | boolean>>;

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** True where Enter, space or arrows already mean something to what has the focus. */
export function isControl(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  // The focus leaves a dialog that was closed only with the next frame; until then its button is nobody's control.
  if (target.closest('dialog:not([open])') !== null) return false;
  return target.closest('button, a, summary, [role="tab"]') !== null;
}

/**
 * Keys of the page, by `event.key`. Silent while somebody types (Escape apart), while a dialog is open, and with
 * Ctrl, Alt or Meta held.
 */
export function useKeys(actions: KeyActions): void {
  const current = useRef(actions);
  useEffect(() => {
    current.current = actions;
  });
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
      if (isTyping(event.target) && event.key !== 'Escape') return;
      if (document.querySelector('dialog[open]') !== null) return;
      const action = current.current[event.key];
      if (action !== undefined && action(event) !== false) event.preventDefault();
    };
    window.addEventListener('keydown', listen);
    return () => window.removeEventListener('keydown', listen);
  }, []);
}

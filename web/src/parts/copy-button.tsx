import { useEffect, useState } from 'react';

/** Copies a text and says so. Without access to the clipboard it says that instead. */
export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [said, setSaid] = useState<string | null>(null);
  useEffect(() => {
    if (said === null) return undefined;
    const timer = setTimeout(() => setSaid(null), 1600);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid('Copied');
    } catch {
      setSaid('The browser refused');
    }
  };
  return (
    <button type="button" className="small-button" onClick={() => void copy()} aria-live="polite">
      {said ?? label}
    </button>
  );
}

import { useEffect, useState } from 'react';

/** Width of an element in pixels as it changes; 0 before it is known. */
export function useWidth(element: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const found = element.current;
    if (found === null) return undefined;
    const observer = new ResizeObserver((entries) => setWidth(Math.round(entries[0]?.contentRect.width ?? 0)));
    observer.observe(found);
    return () => observer.disconnect();
  }, [element]);
  return width;
}

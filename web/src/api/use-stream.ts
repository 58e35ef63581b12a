import { useEffect, useRef, useState } from 'react';
import type { ServerEvent } from '../model/sse.ts';
import { openStream } from './stream.ts';
import type { StreamState } from './stream.ts';

/** Follows a stream while the component lives; `path` `null` follows none. `onEvent` may change freely. */
export function useStream(
  path: string | null,
  lastEventId: string | null,
  onEvent: (event: ServerEvent) => void,
): { readonly state: StreamState; readonly retry: () => void } {
  const [state, setState] = useState<StreamState>({ kind: 'connecting' });
  const listener = useRef(onEvent);
  const firstId = useRef(lastEventId);
  const stream = useRef<{ retry: () => void } | null>(null);
  useEffect(() => {
    listener.current = onEvent;
    firstId.current = lastEventId;
  });
  useEffect(() => {
    if (path === null) {
      setState({ kind: 'off' });
      return undefined;
    }
    const opened = openStream({
      path,
      lastEventId: firstId.current,
      onEvent: (event) => listener.current(event),
      onState: setState,
    });
    stream.current = opened;
    return () => opened.close();
  }, [path]);
  return { state, retry: () => stream.current?.retry() };
}

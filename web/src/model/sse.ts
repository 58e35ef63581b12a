/** One server-sent event. */
export interface ServerEvent {
  readonly id: string | null;
  readonly event: string;
  readonly data: string;
}

/**
 * Reads server-sent events from pieces of text, however they are cut. `push` gives the events that became whole;
 * comments (keep-alive) give none.
 */
export function createEventParser(): { readonly push: (chunk: string) => readonly ServerEvent[] } {
  let buffer = '';
  let id: string | null = null;
  let event = '';
  let data: string[] = [];
  const take = (line: string, out: ServerEvent[]): void => {
    if (line === '') {
      if (data.length > 0) out.push({ id, event: event === '' ? 'message' : event, data: data.join('\n') });
      event = '';
      data = [];
      return;
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    else if (field === 'event') event = value;
    else if (field === 'id') id = value;
  };
  return {
    push: (chunk) => {
      buffer += chunk;
      const out: ServerEvent[] = [];
      // A CR at the very end may be half of a CRLF: it waits.
      const lines = buffer.split(/\r\n|\n|\r(?!$)/);
      buffer = lines.pop() ?? '';
      for (const line of lines) take(line, out);
      return out;
    },
  };
}

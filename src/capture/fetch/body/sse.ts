/** Reads server-sent events out of text that comes in pieces. */
export interface SseReader {
  push(text: string): void;
  /** The text is over: an event that was not closed by an empty line is told as well. */
  end(): void;
}

/** A line longer than this is no event of a model provider; what came of it is dropped. */
const lineCharsMax = 16 * 1024 * 1024;

/** A reader that hands over the data of each event, its `data:` lines joined, and the event's name. */
export function createSseReader(onEvent: (data: string, name: string | null) => void): SseReader {
  let rest = '';
  let data: string[] = [];
  let name: string | null = null;
  let endedInReturn = false;

  const close = (): void => {
    if (data.length > 0) onEvent(data.join('\n'), name);
    data = [];
    name = null;
  };

  const line = (text: string): void => {
    if (text === '') return close();
    const colon = text.indexOf(':');
    if (colon === 0) return;
    const field = colon === -1 ? text : text.slice(0, colon);
    const value = colon === -1 ? '' : text.slice(text.charCodeAt(colon + 1) === 32 ? colon + 2 : colon + 1);
    if (field === 'data') data.push(value);
    else if (field === 'event') name = value;
  };

  return {
    push(text) {
      let piece = text;
      // A line end of CR LF may lie across two pieces.
      if (endedInReturn && piece.startsWith('\n')) piece = piece.slice(1);
      endedInReturn = piece.endsWith('\r');
      const lines = (rest + piece).split(/\r\n|\n|\r/);
      rest = lines.pop()!;
      for (const one of lines) line(one);
      if (rest.length > lineCharsMax) rest = '';
    },
    end() {
      if (rest !== '') line(rest);
      rest = '';
      close();
    },
  };
}

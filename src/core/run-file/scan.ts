import type { Content } from '../content/content.ts';
import type { JournalEntry } from '../journal.ts';
import type { Redacted, Redactor } from '../redact/redactor.ts';

/** What redaction would take out of a record that comes from elsewhere. */
export interface SecretScan {
  /** Looks through one more entry. */
  look(entry: JournalEntry): void;
  /** Counts by kind; empty when there was nothing. */
  readonly counts: Readonly<Record<string, number>>;
  /** The first event that holds or brings one. */
  readonly first: { readonly writerId: string; readonly n: number } | null;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // A piece of a body is no whole document.
    return false;
  }
}

const kindPattern = /^[a-z0-9-]{1,40}$/;

function isCounts(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).every(([kind, count]) => kindPattern.test(kind) && typeof count === 'number');
}

/**
 * A payload without the counts that the recorder put behind its own redaction: there the name of a kind, `api-key` for
 * one, stands where a denied key would.
 */
function toScanned(payload: string): string {
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch {
    // Scanned as it stands.
    return payload;
  }
  if (typeof value !== 'object' || value === null || !('redactions' in value) || !isCounts(value.redactions))
    return payload;
  const { redactions: _counts, ...rest } = value;
  return JSON.stringify(rest);
}

function redactContent(redactor: Redactor, { bytes }: Content): Redacted<string> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  if (/^\s*[[{"]/.test(text) && isJson(text)) return redactor.json(text);
  return /^(?:data|event):/m.test(text) ? redactor.body(text, 'text/event-stream') : redactor.text(text);
}

/** A scan under the rules of one redactor. It counts, and changes nothing. */
export function createSecretScan(redactor: Redactor): SecretScan {
  const counts: Record<string, number> = {};
  let first: SecretScan['first'] = null;
  return {
    counts,
    get first() {
      return first;
    },
    look({ event, contents }) {
      const { writerId, n } = event.header;
      const found = [
        ...(event.payload === null ? [] : [redactor.json(toScanned(event.payload))]),
        ...contents.map((content) => redactContent(redactor, content)),
      ];
      for (const { counts: more } of found) {
        if (more === null) continue;
        first ??= { writerId, n };
        for (const [kind, count] of Object.entries(more)) counts[kind] = (counts[kind] ?? 0) + count;
      }
    },
  };
}

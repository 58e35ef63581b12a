import { assignmentFindings } from './assignment.ts';
import { keyAndUrlFindings, markedFindings } from './marked.ts';
import { schemeFindings } from './scheme.ts';
import type { Edit, Finding } from '../edit.ts';
import { joinFindings } from '../edit.ts';
import type { Mark } from '../placeholder.ts';
import { placeholderSpans } from '../placeholder.ts';

/** Secrets in a plain text: in order, not overlapping. Linear in the length of the text. */
export function textFindings(text: string): Finding[] {
  const findings: Finding[] = [];
  markedFindings(text, findings);
  keyAndUrlFindings(text, findings);
  schemeFindings(text, findings);
  assignmentFindings(text, findings);
  return findings.length === 0 ? findings : joinFindings(outsidePlaceholders(text, findings));
}

/** Leaves out what was found inside a placeholder: `password:` and eight digits look like an assignment. */
function outsidePlaceholders(text: string, findings: Finding[]): Finding[] {
  const spans = placeholderSpans(text);
  if (spans.length === 0) return findings;
  let next = 0;
  return findings
    .sort((a, b) => a.start - b.start)
    .filter(({ start }) => {
      while (next < spans.length && spans[next]![1] <= start) next += 1;
      return next >= spans.length || start <= spans[next]![0];
    });
}

/** The edits that take the secrets out of a plain text. */
export function textEdits(text: string, mark: Mark): Edit[] {
  return textFindings(text).map(({ start, end, kind, isDropped }) => {
    const replacement = isDropped === true ? '' : mark(kind, text.slice(start, end));
    return { start, end, kind, replacement };
  });
}

/** The kind of a value that goes whole: that of the credential it is, if it is one, else the one given. */
function kindOf(secret: string, kind: string): string {
  const found = secret.length < 4096 ? textFindings(secret) : [];
  return found.length === 1 && found[0]!.start === 0 && found[0]!.end === secret.length ? found[0]!.kind : kind;
}

/** The placeholder for a value that goes whole, and its kind. An authentication scheme before it is no part of it. */
export function markWhole(value: string, kind: string, mark: Mark): { replacement: string; kind: string } {
  const secret = value.replace(/^\s*(?:bearer|basic|token)\s+/i, '').trim();
  const named = kindOf(secret, kind);
  return { replacement: mark(named, secret), kind: named };
}

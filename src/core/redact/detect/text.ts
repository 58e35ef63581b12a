import type { Search } from './encoded.ts';
import { base64Findings, escapedFindings } from './encoded.ts';
import { addUnseen, isUnseenIn } from './unseen.ts';
import type { Edit, Finding } from '../edit.ts';
import { joinFindings } from '../edit.ts';
import { markedDetectors } from './marked.ts';
import { detectNamed, longNameEnd, nameWords } from './names.ts';
import type { Mark } from '../placeholder.ts';
import { placeholderEnd, placeholderOpening, placeholderSpans } from '../placeholder.ts';
import { createPrefilter } from './prefilter.ts';
import { schemeDetectors } from './scheme.ts';
import type { Detect } from './sticky.ts';
import { urlFindings } from './url.ts';

/** What else is looked for on a user's wish: detectors of one's own, personal data. */
export interface Extra {
  /** True when raw text, in whatever spelling, may hold something of it. */
  isIn(raw: string): boolean;
  /** Adds what it finds in a decoded text; `isIdentifier` spares values that are known to be names of our own. */
  find(text: string, findings: Finding[], isIdentifier: boolean): void;
}

/** Detectors of one family go on behind what one of them found; those of another look there again. */
export type Family = 'marked' | 'named' | 'scheme' | 'url' | 'escape' | 'flag' | 'placeholder';

/** An anchor of the prefilter and what looks at it. */
export interface Look {
  readonly literal: string;
  readonly family: Family;
  readonly detect: Detect | null;
}

const insideChars = 1024;
const hexDigits = [...'0123456789abcdef'];
const escapeLiterals = [
  ...[...'234567'].flatMap((high) => hexDigits.map((low) => `%${high}${low}`)),
  ...[...'234567'].map((high) => `\\x${high}`),
  '\\u0',
  // Characters that nobody sees.
  '\\u2',
  '\\uf',
  ...[...'0123456789x'].map((digit) => `&#${digit}`),
  '&quot;',
  '&equals;',
  '&colon;',
  '&commat;',
  '&lowbar;',
  '&hyphen;',
  '&period;',
  '&plus;',
  '&sol;',
  '&shy;',
  '&zwj;',
  '&zwnj;',
  '&lrm;',
  '&rlm;',
  '&NoBreak;',
  '&ZeroWidthSpace;',
];

/** Flags of a command whose values go: looked at in JSON only, as elements of a list. */
const flagLiterals = [
  'u',
  '-user',
  '-userpwd',
  '-proxy-user',
  '-auth',
  '-basic-auth',
  '-cred',
  '-pass',
  'pass',
  '-pw',
  'pw',
  '-key',
  'key',
  '-jwt',
  '-sig',
  '-sas',
].map((name) => `"-${name}`);

/** All anchors: what clean text holds none of. */
export const looks: readonly Look[] = [
  ...markedDetectors.map(({ mark, detect }): Look => ({ literal: mark, family: 'marked', detect })),
  ...nameWords.map((literal): Look => ({ literal, family: 'named', detect: detectNamed })),
  ...schemeDetectors.map(({ word, detect }): Look => ({ literal: word, family: 'scheme', detect })),
  { literal: '://', family: 'url', detect: null },
  { literal: placeholderOpening, family: 'placeholder', detect: null },
  ...flagLiterals.map((literal): Look => ({ literal, family: 'flag', detect: null })),
  ...escapeLiterals.map((literal): Look => ({ literal, family: 'escape', detect: null })),
];

const exactFamilies: ReadonlySet<Family> = new Set(['marked', 'url', 'placeholder']);

/** The one prefilter of all detectors, compiled once; it names anchors by their place in `looks`. */
export const prefilter = createPrefilter(
  looks.map(({ literal, family }) => ({ literal, isExact: exactFamilies.has(family) })),
);

/** What a mark names comes first: of two findings with one span the first gives the kind. */
function anchoredFindings(text: string, isDecoded: boolean): Finding[] {
  const marked: Finding[] = [];
  const findings: Finding[] = [];
  const resumeAt: Record<Family, number> = {
    marked: 0,
    named: 0,
    scheme: 0,
    url: 0,
    escape: 0,
    flag: 0,
    placeholder: 0,
  };
  const urls = { to: 0, findings };
  prefilter.search(text, (anchor, at) => {
    const { family, detect } = looks[anchor]!;
    if (family === 'placeholder') return placeholderEnd(text, at);
    // Deep inside what a mark has found a name has nothing to add; near its end its value may reach further.
    const passed = family === 'named' ? Math.max(resumeAt.named, resumeAt.marked - insideChars) : resumeAt[family];
    if (at < passed) return 0;
    if (family === 'named') {
      const longEnd = longNameEnd(text, at);
      if (longEnd > at) {
        resumeAt.named = longEnd;
        return 0;
      }
    }
    if (family === 'url') {
      urlFindings(text, at, urls);
    } else if (family === 'escape') {
      if (isDecoded) return 0;
      const hidden = escapedFindings(text, { at, from: resumeAt.escape }, unescapedFindings);
      for (const finding of hidden.findings) findings.push(finding);
      resumeAt.escape = hidden.end;
    } else if (detect !== null) {
      const finding = detect(text, at);
      if (finding === null) return 0;
      (family === 'marked' ? marked : findings).push(finding);
      resumeAt[family] = finding.end;
    }
    return 0;
  });
  if (marked.length === 0) return findings;
  for (const finding of findings) marked.push(finding);
  return marked;
}

/** Secrets of a text that was decoded once already. */
const decodedFindings = (text: string): Finding[] => findingsBehind(text, null);

/** Secrets of a text whose escapes were read: they break base64 apart and are no level of their own there. */
const unescapedFindings = (text: string): Finding[] => findingsBehind(text, decodedFindings);

function findingsBehind(text: string, search: Search | null): Finding[] {
  const findings = anchoredFindings(text, true);
  for (const finding of base64Findings(text, search)) findings.push(finding);
  return findings.length === 0 ? findings : joinFindings(outsidePlaceholders(text, findings));
}

/** Secrets in a plain text: in order, not overlapping. Work is in proportion to its length. */
export function textFindings(text: string, extra: Extra | null = null, isIdentifier = false): Finding[] {
  const findings = anchoredFindings(text, false);
  for (const finding of base64Findings(text, decodedFindings)) findings.push(finding);
  if (isUnseenIn(text)) addUnseen(text, findings, (value) => anchoredFindings(value, false));
  extra?.find(text, findings, isIdentifier);
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
export function textEdits(text: string, mark: Mark, extra: Extra | null = null, isIdentifier = false): Edit[] {
  return textFindings(text, extra, isIdentifier).map(({ start, end, kind, isDropped, secret }) => {
    const replacement = isDropped === true ? '' : mark(kind, secret ?? text.slice(start, end));
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

import { TachographError } from '../../error.ts';
import type { Finding } from '../edit.ts';
import {
  checks,
  digitsOf,
  isChinese,
  isFinnish,
  isFrench,
  isIban,
  isItalian,
  isLuhn,
  isMod1110,
  isSpanish,
  isVerhoeff,
} from './checksum.ts';

/** Groups of personal data that can be switched on. */
export const personalKinds = ['email', 'phone', 'card', 'iban', 'national-id'] as const;

/** One of them. */
export type PersonalKind = (typeof personalKinds)[number];

/**
 * One form of personal data. `near` is a word that must stand within the 40 characters before it: numbers whose check
 * digit one in ten random numbers would have need it.
 */
interface Form {
  readonly kind: PersonalKind;
  readonly pattern: RegExp;
  readonly check?: (match: string) => boolean;
  readonly near?: RegExp;
}

const byDigits =
  (check: (digits: readonly number[]) => boolean) =>
  (match: string): boolean =>
    check(digitsOf(match));

function isDay(year: string, month: string, day: string): boolean {
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(8, 10) === day;
}

function isSwedish(match: string): boolean {
  const digits = match.replaceAll(/\D/g, '').slice(-10);
  const month = Number(digits.slice(2, 4));
  const day = Number(digits.slice(4, 6)) % 60;
  return month >= 1 && month <= 12 && day >= 1 && day <= 31 && isLuhn(digitsOf(digits));
}

const forms: readonly Form[] = [
  {
    kind: 'email',
    pattern:
      /(?<![A-Za-z0-9._%+@-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])/g,
    check: (match) => !/@(?:\d+x\.|.*\.(?:png|jpe?g|gif|svg|webp|js|ts|css|json|md)$)/i.test(match),
  },
  {
    kind: 'phone',
    pattern: /(?<![\w+.])\+[1-9](?:[ .\-/()]{0,2}\d){7,14}(?![\w-])/g,
    check: (match) => isPhone(match),
  },
  { kind: 'phone', pattern: /(?<![\w(.-])\(?[2-9]\d{2}\)?[ .-][2-9]\d{2}[ .-]\d{4}(?![\w.-])/g },
  {
    kind: 'phone',
    pattern: /(?<![\w+.])\(?0(?:[ \-/()]{0,2}\d){7,12}(?![\w-])/g,
    near: /(?:phone|tel|mobile|cell|call|fax|whatsapp|telefon|handy)\W{0,12}$/i,
    check: (match) => isPhone(match),
  },
  {
    kind: 'card',
    pattern: /(?<![\w.-])(?:[2-6]\d{3}(?:([ -]?)\d{4}\1\d{4}\1\d{1,7})|3[47]\d{2}[ -]?\d{6}[ -]?\d{5})(?![\w-]|\.\d)/g,
    check: (match) => digitsOf(match).length >= 13 && new Set(digitsOf(match)).size > 1 && isLuhn(digitsOf(match)),
  },
  {
    kind: 'iban',
    pattern: /(?<![\w-])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?![A-Za-z0-9])/g,
    check: (match) => isIban(match.replaceAll(' ', '')),
  },
  // United States, Spain, France, Italy, China, Finland, Sweden, Switzerland, Brazil, Korea: telling by their form.
  { kind: 'national-id', pattern: /(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])/g },
  {
    kind: 'national-id',
    pattern: /(?<![\w-])(?:\d{8}|[XYZ]\d{7})-?[A-HJ-NP-TV-Z](?![\w-])/g,
    check: (match) => isSpanish(match.replace('-', '')),
  },
  {
    kind: 'national-id',
    pattern: /(?<![\w-])[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}(?![\w-])/g,
    check: isFrench,
  },
  {
    kind: 'national-id',
    pattern: /(?<![\w-])[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z](?![\w-])/g,
    check: isItalian,
  },
  {
    kind: 'national-id',
    pattern: /(?<![\w-])[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])[0-3]\d{4}[\dXx](?![\w-])/g,
    check: (match) => isDay(match.slice(6, 10), match.slice(10, 12), match.slice(12, 14)) && isChinese(match),
  },
  { kind: 'national-id', pattern: /(?<![\w-])[0-3]\d[01]\d{3}[-+A]\d{3}[0-9A-FHJ-NPR-Y](?![\w-])/g, check: isFinnish },
  { kind: 'national-id', pattern: /(?<![\w-])(?:19|20)?\d{2}[01]\d[0-9]\d[-+]\d{4}(?![\w-])/g, check: isSwedish },
  { kind: 'national-id', pattern: /(?<![\w-])756\.\d{4}\.\d{4}\.\d{2}(?![\w-])/g, check: byDigits(checks.ean13) },
  { kind: 'national-id', pattern: /(?<![\w-])\d{3}\.\d{3}\.\d{3}-\d{2}(?![\w-])/g, check: byDigits(checks.cpf) },
  {
    kind: 'national-id',
    pattern: /(?<![\w-])\d{2}\.\d{3}\.\d{3}\/\d{4}-\d{2}(?![\w-])/g,
    check: byDigits(checks.cnpj),
  },
  { kind: 'national-id', pattern: /(?<![\w-])\d{6}-[1-8]\d{6}(?![\w-])/g, check: byDigits(checks.korea) },
  {
    kind: 'national-id',
    pattern: /(?<![\w-])\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}(?![\w-])/g,
    check: byDigits(checks.belgium),
  },
  // Germany, Poland, the Netherlands, India, Canada, United Kingdom, Turkey: only beside their name.
  {
    kind: 'national-id',
    pattern: /(?<![\w-])[1-9]\d(?: ?\d{3}){3}(?![\w-])/g,
    near: /(?:steuer|tax|idnr|tin\b)[^\d]{0,24}$/i,
    check: byDigits(isMod1110),
  },
  {
    kind: 'national-id',
    pattern: /(?<![\w-])\d{11}(?![\w-])/g,
    near: /pesel[^\d]{0,12}$/i,
    check: byDigits(checks.pesel),
  },
  {
    kind: 'national-id',
    pattern: /(?<![\w-])\d{9}(?![\w-])/g,
    near: /(?:bsn|burgerservicenummer|sofi)[^\d]{0,12}$/i,
    check: byDigits(checks.bsn),
  },
  {
    kind: 'national-id',
    pattern: /(?<![\w-])[2-9]\d{3} ?\d{4} ?\d{4}(?![\w-])/g,
    near: /(?:aadhaar|aadhar|uidai)[^\d]{0,24}$/i,
    check: byDigits(isVerhoeff),
  },
  {
    kind: 'national-id',
    pattern: /(?<![\w-])\d{3}[ -]?\d{3}[ -]?\d{3}(?![\w-])/g,
    near: /(?:\bsin\b|social insurance)[^\d]{0,24}$/i,
    check: byDigits(isLuhn),
  },
  {
    kind: 'national-id',
    pattern: /(?<![\w-])\d{3} ?\d{3} ?\d{4}(?![\w-])/g,
    near: /\bnhs\b[^\d]{0,24}$/i,
    check: byDigits(checks.nhs),
  },
  {
    kind: 'national-id',
    pattern: /(?<![\w-])[A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D](?![\w-])/g,
    near: /(?:\bni\b|nino|national insurance)[^\d]{0,24}$/i,
  },
  {
    kind: 'national-id',
    pattern: /(?<![\w-])[1-9]\d{10}(?![\w-])/g,
    near: /(?:tckn|t\.?c\.? ?kimlik|kimlik)[^\d]{0,24}$/i,
    check: byDigits(checks.turkey),
  },
];

function isPhone(match: string): boolean {
  const { length } = digitsOf(match);
  return length >= 8 && length <= 15;
}

/** Personal data that was switched on. */
export interface PersonalDetector {
  isIn(text: string): boolean;
  find(text: string, findings: Finding[]): void;
}

/** E-mail addresses need an `@`, all else digits side by side. */
const possible = /@|\d\d/;

/** A detector of the kinds asked for; throws `bad-argument` for a kind that is none. */
export function createPersonalDetector(kinds: readonly PersonalKind[]): PersonalDetector {
  const unknown = kinds.find((kind) => !personalKinds.includes(kind));
  if (unknown !== undefined)
    throw new TachographError(
      'bad-argument',
      `"${unknown}" is no kind of personal data. Use ${personalKinds.join(', ')}.`,
    );
  const chosen = forms.filter(({ kind }) => kinds.includes(kind));
  return {
    isIn: (text) => possible.test(text),
    find(text, findings) {
      if (!possible.test(text)) return;
      for (const { kind, pattern, check, near } of chosen) {
        for (const match of text.matchAll(pattern)) {
          if (near !== undefined && !near.test(text.slice(Math.max(0, match.index - 40), match.index))) continue;
          if (check !== undefined && !check(match[0])) continue;
          findings.push({ start: match.index, end: match.index + match[0].length, kind });
        }
      }
    },
  };
}

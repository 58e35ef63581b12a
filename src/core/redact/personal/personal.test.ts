import { describe, expect, it } from 'vitest';
import type { Finding } from '../edit.ts';
import { createPersonalDetector, personalKinds } from './personal.ts';

const detector = createPersonalDetector(personalKinds);

function found(text: string): string[] {
  const findings: Finding[] = [];
  detector.find(text, findings);
  return findings.map(({ start, end, kind }) => `${kind} ${text.slice(start, end)}`);
}

/** Numbers published as examples, none of a person. */
const positives: [string, string, string][] = [
  ['email', 'bob.smith+x@example.co.uk', 'mail %, please'],
  ['phone', '+49 30 1234567', 'call %.'],
  ['phone', '+1 (415) 555-2671', 'at %'],
  ['phone', '(415) 555-2671', 'at % now'],
  ['phone', '030 1234 5678', 'phone: %'],
  ['card', '4111 1111 1111 1111', 'card %'],
  ['card', '5500005555555559', 'card %'],
  ['card', '378282246310005', 'card %'],
  ['iban', 'DE89 3704 0044 0532 0130 00', 'to %'],
  ['iban', 'GB82WEST12345698765432', 'to %'],
  ['national-id', '123-45-6789', 'SSN %'],
  ['national-id', '12345678Z', 'DNI %'],
  ['national-id', 'X1234567L', 'NIE %'],
  ['national-id', '1 85 05 78 006 084 91', 'NIR %'],
  ['national-id', 'RSSMRA85T10A562S', 'codice %'],
  ['national-id', '11010519491231002X', 'id %'],
  ['national-id', '131052-308T', 'hetu %'],
  ['national-id', '811218-9876', 'pnr %'],
  ['national-id', '756.9217.0769.85', 'AHV %'],
  ['national-id', '529.982.247-25', 'CPF %'],
  ['national-id', '11.222.333/0001-81', 'CNPJ %'],
  ['national-id', '85.07.30-033.28', 'INSZ %'],
  ['national-id', '86095742719', 'Steuer-ID %'],
  ['national-id', '44051401359', 'PESEL %'],
  ['national-id', '111222333', 'BSN %'],
  ['national-id', '2341 2341 2346', 'Aadhaar %'],
  ['national-id', '046 454 286', 'SIN %'],
  ['national-id', '943 476 5919', 'NHS %'],
  ['national-id', 'AB 12 34 56 C', 'NINO %'],
  ['national-id', '10000000146', 'TCKN %'],
];

describe('personal data', () => {
  it.each(positives)('%s %s', (kind, value, frame) => {
    expect(found(frame.replace('%', value))).toContain(`${kind} ${value}`);
  });

  it.each(positives.filter(([kind, value]) => kind !== 'email' && kind !== 'phone' && !/^\d{3}-|^AB/.test(value)))(
    'a %s with a wrong check digit stays: %s',
    (kind, value, frame) => {
      const at = /\d(?=\D*\d?\D*$)/.exec(value)!.index;
      const wrong = value.slice(0, at) + String((Number(value[at]) + 5) % 10) + value.slice(at + 1);
      expect(found(frame.replace('%', wrong)).filter((each) => each.startsWith(kind))).toEqual([]);
    },
  );

  it.each([
    '1234567890123456',
    '0199b0c3-7a3b-7c1e-9d55-2f6f1a2b3c4d',
    '2026-11-21 08:22:53.123',
    'logo@2x.png and user@localhost and @types/node@24.1.0',
    'v1.2.3-4 and 192.168.100.200',
    '1700000000000 ms',
    '12345678A',
    'total 44051401359 bytes',
    '0000000000000000',
    '+1234',
  ])('%s stays', (text) => expect(found(text)).toEqual([]));

  it('only what is switched on is looked for', () => {
    const findings: Finding[] = [];
    createPersonalDetector(['card']).find('a@b.example 4111 1111 1111 1111', findings);
    expect(findings.map(({ kind }) => kind)).toEqual(['card']);
    expect(() => createPersonalDetector(['face' as 'card'])).toThrow('no kind');
  });
});

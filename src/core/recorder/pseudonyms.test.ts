import { expect, it } from 'vitest';
import { createMemoryJournal } from '../memory-journal.ts';
import { createRecorder } from '../record/recorder.ts';
import type { RedactOptions } from '../redact/options.ts';

function recorded(redact: RedactOptions): string {
  const journal = createMemoryJournal();
  const recorder = createRecorder({
    contentKey: new Uint8Array(32),
    redact,
    journal,
  });
  const run = recorder.startRun({ agentId: 'a', callerId: 'ada@example.org', sessionId: 'ada@example.org' });
  run.log('note', { text: 'mail to ada@example.org' });
  run.close({ endReason: 'ok' });
  return journal.entries.map(({ event }) => event.payload).join('\n');
}

it('identifiers are recorded as they are, personal data or not, unless pseudonyms are asked for', () => {
  expect(recorded({})).toContain('"callerId":"ada@example.org"');
  const personal = recorded({ personal: true });
  expect(personal).toContain('"callerId":"ada@example.org"');
  expect(personal).toContain('mail to [REDACTED:');
  const pseudonyms = recorded({ pseudonymise: true });
  const [caller, session] = ['callerId', 'sessionId'].map(
    (field) => new RegExp(`"${field}":"(pseudonym:[0-9a-f]{24})"`).exec(pseudonyms)?.[1],
  );
  expect(caller).toBeDefined();
  expect(session).toBe(caller);
});

it('rules that are not right are refused when the recorder is made', () => {
  expect(() => recorded({ detectors: [{ kind: 'slow', pattern: '(a+)+$' }] })).toThrow('slow');
});

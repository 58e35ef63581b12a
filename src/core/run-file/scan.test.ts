import { describe, expect, it } from 'vitest';
import { createWorld } from '../../testing/index.ts';
import type { ContentKind } from '../content/content.ts';
import type { JournalEntry } from '../journal.ts';
import { createRedactor } from '../redact/create.ts';
import { createSecretScan } from './scan.ts';

const key = `sk-ant-api03-${'AbCdEfGhIj0123456789'.repeat(4)}-AAAAAAAA`;
const redactor = createRedactor({ key: new Uint8Array(32).fill(1) });

function entryWith(text: string, kind: ContentKind = 'body'): JournalEntry {
  const world = createWorld();
  const [entry] = world.run({ agentId: 'agent' }).entries;
  return { ...entry!, contents: [{ ...world.content(kind, ''), bytes: Buffer.from(text) }] };
}

describe('a scan for secrets', () => {
  it('finds them in payloads, messages, pieces of bodies and streams, and names the first event', () => {
    const texts = [
      JSON.stringify({ role: 'user', content: key }),
      JSON.stringify(key),
      `{"role":"user","content":"${key}"},{"role":`,
      `data: {"delta":"${key}"}\n\ndata: [DONE]\n\n`,
      `plain words and ${key}`,
      JSON.stringify({ password: 'hunter2hunter2' }),
    ];
    for (const text of texts) {
      const scan = createSecretScan(redactor);
      scan.look(entryWith(text));
      expect(scan.first, text).toMatchObject({ n: 1 });
      expect(Object.keys(scan.counts).length).toBe(1);
    }
    const scan = createSecretScan(redactor);
    for (const entry of createWorld().run({ agentId: 'agent', name: key }).step().end().entries) scan.look(entry);
    expect(scan.first).toMatchObject({ n: 1 });
  });

  it('finds nothing in what was redacted before, whatever the key it was done with', () => {
    const other = createRedactor({ key: new Uint8Array(32).fill(2) });
    const body = other.body(`data: {"delta":"${key}","password":"${key}"}\n\n`, 'text/event-stream').value;
    const json = other.json(
      JSON.stringify({ authorization: `Bearer ${key}`, password: 'hunter2hunter2', text: key }),
    ).value;
    const headers = JSON.stringify({
      headers: other.headers({ authorization: `Bearer ${key}`, cookie: 'a=b', 'x-api-key': key }).value,
    });
    const scan = createSecretScan(redactor);
    for (const text of [body, json, headers, other.text(`here is ${key}`).value]) scan.look(entryWith(text));
    expect(scan).toMatchObject({ first: null, counts: {} });
  });
});

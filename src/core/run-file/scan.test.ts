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

  it('takes the names of kinds in the counts of a recorder for no keys, and nothing else', () => {
    const look = (payload: object) => {
      const scan = createSecretScan(redactor);
      for (const entry of createWorld().run().emit('log', { payload }).entries) scan.look(entry);
      return scan.first;
    };
    expect(look({ type: 'note', redactions: { 'api-key': 3, password: 1, 'private-key': 2, header: 1 } })).toBeNull();
    expect(look({ type: 'note', redactions: { password: 'hunter2hunter2' } })).not.toBeNull();
    expect(look({ type: 'note', data: { password: 12345678 }, redactions: { header: 1 } })).not.toBeNull();
    expect(look({ type: 'note', redactions: { [key]: 1 } })).not.toBeNull();
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

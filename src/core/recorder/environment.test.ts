import { describe, expect, it } from 'vitest';
import { createRedactor } from '../redact/create.ts';
import { redactArguments } from './environment.ts';

const redactor = createRedactor({ key: new Uint8Array(32).fill(7) });
const random = 'aB3dE5gH7jK9mN1pQ2rS4tU6';
const argvOf = (...argv: unknown[]): unknown => redactArguments({ argv }, redactor)['argv'];

describe('arguments of a program (I4)', () => {
  it.each([
    [['--api-key', random]],
    [['--token', random]],
    [['--password', 'hunter2']],
    [['--pass', 'hunter2']],
    [['--pwd=hunter2']],
    [['--password=hunter2']],
    [[`--key=${random}`]],
    [['--key', random]],
    [['--bearer', random]],
    [['-u', 'name:hunter2']],
    [['--user', 'name:hunter2']],
  ])('%j', (argv) => {
    const said = JSON.stringify(argvOf('node', 'agent.mjs', ...argv));
    expect(said).toContain('[REDACTED:');
    expect(said).not.toContain('hunter2');
    expect(said).not.toContain(random);
  });

  it.each([
    [['--key', './tls/server.pem']],
    [['--key', 'name']],
    [['--pass', '--force']],
    [['--session', 'nightly']],
    [['-u', 'name']],
    [['--user', 'https://h.example/']],
    [['--port=8080', 'x', 1, null]],
  ])('%j stays', (argv) => expect(argvOf(...argv)).toEqual(argv));

  it('an environment without arguments stays', () => {
    const environment = { cwd: '/srv' };
    expect(redactArguments(environment, redactor)).toBe(environment);
  });
});

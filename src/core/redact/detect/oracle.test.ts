import { lintSource } from '@secretlint/core';
import { creator } from '@secretlint/secretlint-rule-preset-recommend';
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../create.ts';
import { createRandom, sampleOf } from './sample.fixture.ts';

/*
 * Another scanner as the judge: texts that it takes for leaks are made up in the forms its rules document, each is shown
 * to it, and what it confirms must be gone from what we would record.
 */
const redactor = createRedactor({ key: new Uint8Array(32).fill(7) });
const random = createRandom(7);
const join = (...parts: string[]): string => parts.join('');
const roundsPerForm = 6;

/** Pattern of a secret in fragments, and the text around it. */
const forms: [string, string[], string?][] = [
  ['aws access key', ['(?:AK', 'IA|AS', 'IA|AG', 'PA|AI', 'DA|AR', 'OA|AI', 'PA|AN', 'PA|AN', 'VA)[A-Z0-9]{16}']],
  ['aws secret key', ['[A-Za-z0-9/+]{40}'], 'aws_secret_access_key = "%"'],
  ['npm', ['np', 'm_[A-Za-z0-9_]{36}']],
  ['npm auth', ['[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{12}'], '//registry.npmjs.org/:_authToken=%'],
  ['slack token', ['(?:xo', 'xb|xo', 'xp|xa', 'pp|xo', 'xa|xo', 'xo|xo', 'xr)-[0-9]-[A-Za-z0-9]{12}-[A-Za-z0-9]{24}']],
  ['slack webhook', ['https://hooks.sla', 'ck.com/services/T[A-Z0-9]{8}/B[A-Z0-9]{8}/[A-Za-z0-9]{24}']],
  ['basic auth', ['[a-z0-9]{6}:[A-Za-z0-9_-]{12}'], 'see https://%@host.example.com/'],
  ['openai', ['s', 'k-[A-Za-z0-9]{20}T3Blbk', 'FJ[A-Za-z0-9]{20}']],
  ['openai project', ['s', 'k-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{74}T3Blbk', 'FJ[A-Za-z0-9_-]{73}[A-Za-z0-9]']],
  ['anthropic', ['s', 'k-ant-', 'api0\\d-[A-Za-z0-9_-]{93}AA']],
  ['groq', ['gs', 'k_[A-Za-z0-9]{52}']],
  ['huggingface', ['h', 'f_[A-Za-z]{34}']],
  ['linear', ['lin_', 'api_[A-Za-z0-9_]{40}']],
  ['notion', ['nt', 'n_[0-9]{11}[A-Za-z0-9]{35}']],
  ['sendgrid', ['S', 'G\\.\\w{22}\\.\\w{43}']],
  ['shopify', ['shp', '(?:pa|ca|at|ss)_[A-Za-z0-9]{32}']],
  ['stripe', ['[sr]', 'k_(?:live|test)_[A-Za-z0-9]{24}']],
  ['github', ['gh', '[pousr]_[A-Za-z0-9_]{36}']],
  ['github fine-grained', ['github', '_pat_[A-Za-z0-9_]{82}']],
  ['gitlab', ['gl', 'pat-[A-Za-z0-9_-]{20}']],
  ['grafana cloud', ['gl', 'c_eyJ[A-Za-z0-9+/]{60}={0,2}']],
  ['grafana service account', ['gl', 'sa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}']],
  ['mongodb', ['[a-z]{5}:[A-Za-z0-9]{14}'], 'mongodb+srv://%@cluster0.abcde.mongodb.net/test'],
  ['mysql', ['[a-z]{5}:[A-Za-z0-9]{14}'], 'mysql://%@db.internal:3306/app'],
  ['postgres', ['[a-z]{5}:[A-Za-z0-9]{14}'], 'postgresql://%@db.internal:5432/app'],
  ['vault', ['hv', 's\\.[A-Za-z0-9_-]{95}']],
  ['vault batch', ['hv', 'b\\.[A-Za-z0-9_-]{150}']],
  ['vercel', ['vc', '[piark]_[A-Za-z0-9]{24}']],
  ['databricks', ['da', 'pi[a-f0-9]{32}(?:-2)?']],
  ['docker', ['dckr', '_pat_[A-Za-z0-9_-]{27}']],
  ['figma', ['fi', 'gd_[A-Za-z0-9_-]{43}']],
  ['cloudflare', ['cf', '(?:k|ut|at)_[A-Za-z0-9]{40}[0-9a-f]{8}']],
  ['tailscale', ['ts', 'key-(?:auth|api)-[A-Za-z0-9]{12}CNTRL-[A-Za-z0-9]{32}']],
  [
    'private key',
    [
      '-----BEGIN RSA ',
      'PRIVATE KEY-----\\n(?:[A-Za-z0-9+/]{64}\\n){12}[A-Za-z0-9+/]{40}==\\n-----END RSA ',
      'PRIVATE KEY-----',
    ],
  ],
];

async function isLeak(content: string): Promise<boolean> {
  const { messages } = await lintSource({
    source: { content, filePath: '/note.txt', ext: '.txt', contentType: 'text' },
    options: {
      config: { rules: [{ id: '@secretlint/secretlint-rule-preset-recommend', rule: creator, options: {} }] },
    },
  });
  return messages.length > 0;
}

interface Sample {
  readonly form: string;
  readonly secret: string;
  readonly text: string;
}

const samples: Sample[] = forms.flatMap(([form, parts, frame = 'note % end']) =>
  Array.from({ length: roundsPerForm }, () => {
    const secret = sampleOf(join(...parts), random);
    return { form, secret, text: frame.replace('%', () => secret) };
  }),
);

describe('another scanner as the judge', async () => {
  const confirmed: Sample[] = [];
  for (const sample of samples) if (await isLeak(sample.text)) confirmed.push(sample);

  it('confirms samples of nearly every form, so that the comparison says something', () => {
    const confirmedForms = new Set(confirmed.map(({ form }) => form));
    const unconfirmed = forms.map(([form]) => form).filter((form) => !confirmedForms.has(form));
    expect(unconfirmed.length, unconfirmed.join(', ')).toBeLessThanOrEqual(forms.length * 0.15);
  });

  it('finds at most one in twenty that we would record', () => {
    const missed = confirmed.filter(({ text, secret }) => redactor.text(text).value.includes(secret.slice(-10)));
    const names = missed.map(({ form }) => form).join(', ');
    expect(missed.length, names).toBeLessThanOrEqual(confirmed.length / 20);
  });

  it('takes nothing that we record for a leak', async () => {
    const shown: string[] = [];
    // It takes any password of an address for a leak, a placeholder too.
    const others = confirmed.filter(({ text }) => !text.includes('@'));
    for (const { text, form } of others) if (await isLeak(redactor.text(text).value)) shown.push(form);
    expect([...new Set(shown)]).toEqual([]);
  });
});

import { isSensitiveParameter } from '../redact/keys.ts';
import type { Redactor } from '../redact/redactor.ts';

const option = /^--?([A-Za-z][\w.-]*)$/;

/**
 * The environment with the values of telling options taken out of its `argv`: in `--password hunter2` the secret stands
 * apart from the name that tells of it, so that no rule for one text finds it (I4). So do `-u name:password`, and what
 * looks random behind `--key` or `--bearer`.
 */
export function redactArguments(
  environment: Readonly<Record<string, unknown>>,
  redactor: Redactor,
): Readonly<Record<string, unknown>> {
  const { argv } = environment;
  if (!Array.isArray(argv)) return environment;
  return { ...environment, argv: argv.map((value: unknown, index) => redactValue(argv[index - 1], value, redactor)) };
}

/** A value that no person would name a file, a port or a mode with. */
const looksSecret = (value: string): boolean => /^(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9+/_=.-]{16,}$/.test(value);

/** The placeholder of a value that goes whole. */
function markOf(value: string, redactor: Redactor): string {
  const marked = redactor.json(JSON.stringify({ password: value })).value;
  return Object.values(JSON.parse(marked) as Record<string, string>)[0] ?? '[WITHHELD:redaction-failed]';
}

/** The value of an option by its name: a telling one loses it, one that may tell loses what looks like a secret. */
function redactNamed(name: string, value: string, redactor: Redactor): string {
  const paired = JSON.stringify({ [name]: value });
  const redacted = redactor.json(paired).value;
  if (redacted !== paired) return Object.values(JSON.parse(redacted) as Record<string, string>)[0]!;
  const isPass = /^(?:pass|pwd)$/i.test(name) && !value.startsWith('-');
  const isLikely = (name === 'bearer' || isSensitiveParameter(name)) && looksSecret(value);
  return isPass || isLikely ? markOf(value, redactor) : value;
}

function redactValue(before: unknown, value: unknown, redactor: Redactor): unknown {
  if (typeof value !== 'string') return value;
  const [, inline, own] = /^--?([A-Za-z][\w.-]*)=(.+)$/s.exec(value) ?? [];
  if (inline !== undefined) {
    const kept = redactNamed(inline, own!, redactor);
    return kept === own ? value : value.slice(0, value.length - own!.length) + kept;
  }
  const name = typeof before === 'string' ? option.exec(before)?.[1] : undefined;
  if (name === undefined) return value;
  const [, user, password] = (name === 'u' || name === 'user' ? /^([^:/\s]+):([^/].*)$/s.exec(value) : null) ?? [];
  return password === undefined ? redactNamed(name, value, redactor) : `${user}:${markOf(password, redactor)}`;
}

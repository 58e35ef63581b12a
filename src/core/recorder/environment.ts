import type { Redactor } from '../redact/redactor.ts';

const option = /^--?([A-Za-z][\w.-]*)$/;

/**
 * The environment with the values of telling options taken out of its `argv`: in `--password hunter2` the secret stands
 * apart from the name that tells of it, so that no rule for one text finds it (I4).
 */
export function redactArguments(
  environment: Readonly<Record<string, unknown>>,
  redactor: Redactor,
): Readonly<Record<string, unknown>> {
  const { argv } = environment;
  if (!Array.isArray(argv)) return environment;
  return { ...environment, argv: argv.map((value: unknown, index) => redactValue(argv[index - 1], value, redactor)) };
}

function redactValue(before: unknown, value: unknown, redactor: Redactor): unknown {
  const name = typeof before === 'string' ? option.exec(before)?.[1] : undefined;
  if (name === undefined || typeof value !== 'string') return value;
  const paired = JSON.stringify({ [name]: value });
  const redacted = redactor.json(paired).value;
  return redacted === paired ? value : Object.values(JSON.parse(redacted) as object)[0];
}

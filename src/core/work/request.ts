import { TachographError } from '../error.ts';
import { isUuid } from '../id.ts';

/** What a run is created with. Times in seconds; `null` means none, which differs from leaving it out, and from 0. */
export interface RunRequest {
  readonly agentId: string;
  /** What started it: `api` unless said; `schedule`, a channel's type. And which one of these. */
  readonly triggerType?: string;
  readonly triggerRef?: string;
  /** Any JSON value; `{}` when left out. */
  readonly input?: unknown;
  /** Together they name the event that starts the run: one event, one run (I8). */
  readonly channelType?: string;
  readonly providerEventId?: string;
  /** The caller's own key in place of these. */
  readonly idempotencyKey?: string;
  readonly parentRunId?: string;
  readonly parentStepId?: string;
  readonly sessionId?: string;
  readonly callerId?: string;
  readonly channelId?: string;
  readonly endUserId?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** -1000 to 1000, higher first; 0 unless said. */
  readonly priority?: number;
  /** Unix milliseconds, not before which a worker takes it. */
  readonly availableAtMs?: number;
  /** 1 to 100; 3 unless said. */
  readonly attemptsMax?: number;
  /** Until the first claim; none unless said. */
  readonly startTimeoutSeconds?: number | null;
  /** Each attempt; none unless said. */
  readonly attemptTimeoutSeconds?: number | null;
  /** All attempts together, from creation or `availableAtMs`; 600 unless said. */
  readonly timeoutSeconds?: number | null;
  readonly shadow?: boolean;
  readonly dryRun?: boolean;
  /** W3C trace context to continue. */
  readonly traceparent?: string;
  /** Should it fail, input and remembered steps stay, encrypted, so that it can be driven again. */
  readonly isRedrivable?: boolean;
}

/** What a run is created with unless said. */
export const requestDefaults = {
  attemptsMax: 3,
  timeoutSeconds: 600,
  priority: 0,
  triggerType: 'api',
  kind: 'agent',
} as const;

const texts = [
  'triggerType',
  'triggerRef',
  'channelType',
  'providerEventId',
  'idempotencyKey',
  'sessionId',
  'callerId',
  'channelId',
  'endUserId',
  'kind',
  'name',
  'traceparent',
] as const;
const ids = ['parentRunId', 'parentStepId'] as const;
const seconds = ['startTimeoutSeconds', 'attemptTimeoutSeconds', 'timeoutSeconds'] as const;
const flags = ['shadow', 'dryRun', 'isRedrivable'] as const;
const known: ReadonlySet<string> = new Set([
  'agentId',
  'input',
  'labels',
  'priority',
  'availableAtMs',
  'attemptsMax',
  ...texts,
  ...ids,
  ...seconds,
  ...flags,
]);

const textCharsMax = 512;
const labelsMax = 50;
/** A year. */
const secondsMax = 366 * 24 * 3600;

function refuse(field: string, what: string): never {
  throw new TachographError('bad-argument', `The run cannot be created: ${field} ${what}.`);
}

function checkText(field: string, value: unknown): void {
  if (typeof value !== 'string' || value === '' || value.length > textCharsMax)
    refuse(field, `must be a text of 1 to ${textCharsMax} characters`);
}

function checkLabels(labels: unknown): void {
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels))
    refuse('labels', 'must be an object of texts');
  const entries = Object.entries(labels);
  if (entries.length > labelsMax) refuse('labels', `has ${entries.length} entries; give at most ${labelsMax}`);
  for (const [name, value] of entries)
    if (typeof value !== 'string') refuse(`labels.${name.slice(0, 80)}`, 'must be a text');
}

function checkNumber(field: string, value: unknown, range: { min: number; max: number }): void {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < range.min || value > range.max)
    refuse(field, `is ${JSON.stringify(value)}; give a whole number from ${range.min} to ${range.max}`);
}

/** A request from outside, checked. `bad-argument` names the first field that is wrong, and fields that are not known. */
export function parseRunRequest(given: unknown): RunRequest {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) refuse('the request', 'must be an object');
  const fields = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  for (const name of Object.keys(fields))
    if (!known.has(name)) refuse(JSON.stringify(name.slice(0, 80)), 'is no field of a run');
  checkText('agentId', fields['agentId']);
  for (const name of texts) if (name in fields) checkText(name, fields[name]);
  for (const name of ids) if (name in fields && !isUuid(String(fields[name]))) refuse(name, 'must be a UUIDv7');
  for (const name of flags)
    if (name in fields && typeof fields[name] !== 'boolean') refuse(name, 'must be true or false');
  for (const name of seconds) {
    const value = fields[name];
    const isTime =
      value === undefined || value === null || (typeof value === 'number' && value >= 0 && value <= secondsMax);
    if (!isTime) refuse(name, `is ${JSON.stringify(value)}; give 0 to ${secondsMax} seconds, or null for none`);
  }
  if ('labels' in fields) checkLabels(fields['labels']);
  if ('priority' in fields) checkNumber('priority', fields['priority'], { min: -1000, max: 1000 });
  if ('attemptsMax' in fields) checkNumber('attemptsMax', fields['attemptsMax'], { min: 1, max: 100 });
  if ('availableAtMs' in fields) checkNumber('availableAtMs', fields['availableAtMs'], { min: 0, max: 1e14 });
  if ('channelType' in fields !== 'providerEventId' in fields)
    refuse('channelType and providerEventId', 'name an event together; give both or none');
  if ('idempotencyKey' in fields && 'channelType' in fields)
    refuse('idempotencyKey', 'takes the place of channelType and providerEventId; give one of them');
  return fields as unknown as RunRequest;
}

/** The key under which a request makes at most one run: parts that no other form of key can equal; `null` without one. */
export function requestToKey(request: RunRequest): readonly string[] | null {
  const { idempotencyKey, channelType, providerEventId } = request;
  if (idempotencyKey !== undefined) return ['key', idempotencyKey];
  return channelType === undefined ? null : ['event', channelType, providerEventId!];
}

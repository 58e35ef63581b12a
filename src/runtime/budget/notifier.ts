import { createHmac } from 'node:crypto';
import { TachographError } from '../../core/error.ts';
import type { BudgetAlert, BudgetLedger } from '../../core/work/budget-ledger.ts';

/** Tells people of an alert. Rejects when it could not: the alert is then told again later. */
export interface Notifier {
  send(alert: BudgetAlert): Promise<void>;
}

/** Where a webhook leads. */
export interface WebhookOptions {
  /** Of https; of http and this machine only where `isLocalAllowed`. */
  readonly url: string;
  /** Signs what is sent. */
  readonly secret: string;
  readonly isLocalAllowed?: boolean;
  /** 10 s unless said. */
  readonly timeoutMs?: number;
  readonly nowMs: () => number;
  /** The process's own unless said. */
  readonly fetch?: typeof globalThis.fetch;
}

const levels = { 0.8: 'warn', 0.95: 'critical', 1: 'stop' } as const;
const localHost = /^(?:localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\]|0\.0\.0\.0|\[::\])$/i;

function checkUrl({ url, isLocalAllowed = false }: WebhookOptions): void {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const isGood =
    parsed !== null &&
    (parsed.protocol === 'https:' || (isLocalAllowed && parsed.protocol === 'http:')) &&
    (isLocalAllowed || !localHost.test(parsed.hostname)) &&
    parsed.username === '' &&
    parsed.password === '';
  if (isGood) return;
  throw new TachographError(
    'bad-argument',
    'The address of the webhook for budget alerts must be of https, without a password in it, and not this machine. Allow http and this machine where that is meant.',
  );
}

/** The signature of a body: HMAC-SHA-256 over the time, a dot and the body, in hex. */
export function signAlert(secret: string, timeMs: number, body: string): string {
  return createHmac('sha256', secret).update(`${timeMs}.${body}`).digest('hex');
}

/**
 * Sends alerts to a webhook as JSON. `x-tachograph-signature: t=<ms>,v1=<hex>` signs time and body; `idempotency-key` is the
 * same each time an alert is sent. Redirections are not followed. `bad-argument` for an address that is not allowed.
 */
export function createWebhookNotifier(options: WebhookOptions): Notifier {
  checkUrl(options);
  const { url, secret, nowMs, timeoutMs = 10_000 } = options;
  return {
    async send(alert) {
      const timeMs = nowMs();
      const body = JSON.stringify({ type: 'budget-alert', level: levels[alert.threshold], ...alert });
      const send = options.fetch ?? globalThis.fetch;
      const answer = await send(url, {
        method: 'POST',
        redirect: 'manual',
        headers: {
          'content-type': 'application/json',
          'idempotency-key': createHmac('sha256', secret).update(alert.id).digest('hex').slice(0, 32),
          'x-tachograph-signature': `t=${timeMs},v1=${signAlert(secret, timeMs, body)}`,
        },
        body,
        signal: AbortSignal.timeout(timeoutMs),
      });
      await answer.body?.cancel();
      if (!answer.ok)
        throw new TachographError(
          'internal',
          `The webhook for budget alerts answered ${answer.status}; it is tried again.`,
        );
    },
  };
}

/** What tells alerts. Times in milliseconds. */
export interface AlertSenderOptions {
  readonly ledger: BudgetLedger;
  readonly notifier: Notifier;
  readonly onError: (error: unknown) => void;
  /** How often it looks for alerts; 2 s unless said. */
  readonly everyMs?: number;
  /** An alert that could not be told is tried again after so long; 30 s unless said. */
  readonly retryMs?: number;
}

/** Tells alerts, each once: one that could not be told is tried again, by whichever process comes first. */
export interface AlertSender {
  /** Tells what waits now. Never rejects. Gives how many were told. */
  sendNow(): Promise<number>;
  start(): void;
  stop(): Promise<void>;
}

const alertsAtOnce = 20;

/** A sender of a ledger's alerts. */
export function createAlertSender(options: AlertSenderOptions): AlertSender {
  const { ledger, notifier, onError, everyMs = 2000, retryMs = 30_000 } = options;
  let timer: NodeJS.Timeout | null = null;
  let sending: Promise<number> | null = null;

  const send = async (): Promise<number> => {
    let count = 0;
    try {
      for (const alert of await ledger.claimAlerts(alertsAtOnce, retryMs)) {
        try {
          await notifier.send(alert);
          await ledger.markAlertSent(alert);
          count += 1;
        } catch (error) {
          onError(error);
        }
      }
    } catch (error) {
      onError(error);
    }
    return count;
  };
  const sendNow = (): Promise<number> => (sending ??= send().finally(() => void (sending = null)));

  return {
    sendNow,
    start() {
      timer ??= setInterval(() => void sendNow(), everyMs).unref();
    },
    async stop() {
      if (timer !== null) clearInterval(timer);
      timer = null;
      await sending;
    },
  };
}

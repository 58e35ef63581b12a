import { TachographError } from '../../core/error.ts';
import type { BudgetAlert } from '../../core/work/budget-ledger.ts';
import type { Notifier } from '../../runtime/budget/index.ts';
import { createBudgets, createWebhookNotifier } from '../../runtime/budget/index.ts';
import type { Runs } from '../../server/index.ts';
import type { Log } from '../log/log.ts';
import type { OpenedHome } from '../open.ts';
import type { Caretaker } from './caretaker.ts';
import { startCaretaker } from './caretaker.ts';
import { createHomeRuns } from './home-runs.ts';
import { createRuntimeParts } from './runtime-parts.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** A server's part in runs as work: it creates and steers them, and looks after them. It takes none itself. */
export interface ServerWork {
  /** `null` over a store that keeps records only. */
  readonly runsOf: ((projectId: string) => Runs) | null;
  /** Begins to look after the work. */
  start(): void;
  close(): Promise<void>;
}

/** Where alerts go besides the log: a webhook, by two variables. `bad-argument` for an address that is not allowed. */
function readWebhook(variables: Variables): Notifier | null {
  const url = variables['TACHOGRAPH_ALERT_URL'] ?? '';
  if (url === '') return null;
  const secret = variables['TACHOGRAPH_ALERT_SECRET'] ?? '';
  if (secret.length < 16)
    throw new TachographError(
      'bad-argument',
      'TACHOGRAPH_ALERT_URL needs TACHOGRAPH_ALERT_SECRET, of 16 characters or more: it signs the alerts.',
    );
  return createWebhookNotifier({ url, secret, nowMs: Date.now });
}

function logAlert(log: Log, { projectId, layer, threshold, day }: BudgetAlert): void {
  // Whose budget it is stays out of the log: a scope may be a caller's.
  const facts = { project: projectId ?? '(all)', layer, percent: Math.round(threshold * 100), day };
  if (threshold >= 1) log.error('budget-alert', facts);
  else log.warn('budget-alert', facts);
}

/** The work of a server on an open home. */
export function openServerWork(opened: OpenedHome, log: Log, variables: Variables): ServerWork {
  if (opened.store.work === null) return { runsOf: null, start: () => undefined, close: async () => undefined };
  const webhook = readWebhook(variables);
  const parts = createRuntimeParts(opened, (error) => log.failure(error));
  const budgets = createBudgets(parts, { prices: opened.prices });
  const notifier: Notifier = {
    async send(alert) {
      await webhook?.send(alert);
      logAlert(log, alert);
    },
  };
  let caretaker: Caretaker | null = null;
  return {
    runsOf: createHomeRuns(parts),
    start: () => void (caretaker ??= startCaretaker({ parts, budgets, notifier })),
    async close() {
      await caretaker?.close();
      await parts.close();
    },
  };
}

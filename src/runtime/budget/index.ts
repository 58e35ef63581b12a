export {
  callerToDigest,
  createBudgets,
  createRunWithinBudget,
  refuseForBudget,
  type Budgets,
  type BudgetsOptions,
} from './budgets.ts';
export { createBudgetGate, type BudgetGate, type BudgetGateParts, type GatedRun } from './gate.ts';
export {
  createAlertSender,
  createWebhookNotifier,
  signAlert,
  type AlertSender,
  type AlertSenderOptions,
  type Notifier,
  type WebhookOptions,
} from './notifier.ts';

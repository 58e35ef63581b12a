import type { EndReason } from '../../core/model/run.ts';
import type { RunClose } from '../../core/record/recording.ts';
import type { Fields } from './vendor.ts';
import { toCount, toText } from './vendor.ts';

const reasonBySubtype: Readonly<Record<string, EndReason>> = {
  success: 'ok',
  error_max_budget_usd: 'budget_exceeded',
  error_max_structured_output_retries: 'schema_invalid',
};

/** Why a turn ended of which the SDK only says that it broke off. */
const reasonByTerminal: Readonly<Record<string, EndReason>> = {
  aborted_streaming: 'cancelled',
  aborted_tools: 'cancelled',
  budget_exhausted: 'budget_exceeded',
  structured_output_retry_exhausted: 'schema_invalid',
};

function toError(result: Fields, subtype: string): Error {
  const told = Array.isArray(result['errors']) ? result['errors'].filter((line) => typeof line === 'string') : [];
  const message = [...told, toText(result['result']) ?? ''].filter((line) => line !== '').join('\n');
  const code = subtype === 'success' ? (toText(result['terminal_reason']) ?? 'error') : subtype;
  const status = toCount(result['api_error_status']);
  return Object.assign(new Error(message === '' ? code : message), { code, ...(status === null ? {} : { status }) });
}

/**
 * How a result message ends its run. Turns, budget and schema keep the SDK's own word as the error's code; a turn that its
 * user broke off is `cancelled`, and so is no error.
 */
export function resultToClose(result: Fields): RunClose {
  const subtype = toText(result['subtype']) ?? 'unknown';
  const output = result['structured_output'] ?? toText(result['result']) ?? undefined;
  const said = output === undefined ? {} : { output };
  const terminal = reasonByTerminal[toText(result['terminal_reason']) ?? ''];
  if (subtype === 'success') {
    if (result['is_error'] !== true) return { endReason: 'ok', ...said };
    return { endReason: terminal ?? 'error', ...said, error: toError(result, subtype) };
  }
  const endReason = reasonBySubtype[subtype] ?? terminal ?? 'error';
  return endReason === 'cancelled' ? { endReason } : { endReason, error: toError(result, subtype) };
}

/** How a background task's last word ends its run; `null` while it goes on. */
export function taskToReason(status: unknown): EndReason | null {
  if (status === 'completed') return 'ok';
  if (status === 'failed') return 'error';
  return status === 'killed' || status === 'stopped' ? 'cancelled' : null;
}

function pick(from: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(names.filter((name) => from[name] !== undefined).map((name) => [name, from[name]]));
}

const initNames = [
  'model',
  'claude_code_version',
  'cwd',
  'permissionMode',
  'apiKeySource',
  'tools',
  'mcp_servers',
  'agents',
  'skills',
  'plugins',
  'betas',
];

const resultNames = [
  'subtype',
  'is_error',
  'terminal_reason',
  'num_turns',
  'duration_ms',
  'duration_api_ms',
  'total_cost_usd',
  'usage',
  'modelUsage',
  'permission_denials',
];

/** What a turn began with, in the SDK's words. */
export function toInit(message: Fields): Fields {
  return pick(message, initNames);
}

/**
 * What the SDK itself sums up of a turn. It calls its cost an estimate and no bill, so that is told here and is no step's
 * actual cost.
 */
export function toResult(message: Fields): Fields {
  return pick(message, resultNames);
}

import type { RunView } from '../api/wire.ts';
import { toPlural } from './figures.ts';

/** A small mark on a run: what a reader must know before trusting its numbers. */
export interface Badge {
  readonly label: string;
  readonly tone: 'plain' | 'warn' | 'bad';
  readonly title: string;
}

/** The marks of a run, in the order of their weight. */
export function runToBadges(run: RunView): readonly Badge[] {
  const badges: Badge[] = [];
  const add = (tone: Badge['tone'], label: string, title: string): void => void badges.push({ tone, label, title });
  const { counts } = run;
  if (run.endReason === 'interrupted') {
    add(
      'bad',
      'interrupted',
      run.swept ? 'The recording process died; the sweep ended the run' : 'The run was interrupted',
    );
  }
  if (counts.gaps > 0)
    add('bad', counts.gaps === 1 ? 'gap' : `${counts.gaps} gaps`, 'The recorder told of records it lost');
  if (counts.missing > 0) {
    add(
      'bad',
      `${counts.missing} missing`,
      `${toPlural(counts.missing, 'event')} never arrived: the numbering has holes`,
    );
  }
  if (run.erased) add('warn', 'erased', 'The words of this run were erased; numbers and hashes stay');
  if (run.dryRun) add('warn', 'dry run', 'A sandbox try-out, hidden from lists and totals unless asked for');
  if (run.shadow) add('warn', 'shadow', 'Side effects were intercepted and recorded, not executed');
  if (counts.retries > 0) {
    add('warn', counts.retries === 1 ? '1 retry' : `${counts.retries} retries`, 'Attempts that were made again');
  }
  if (counts.errors > 0) add('warn', toPlural(counts.errors, 'error'), 'Steps that ended in error');
  if (counts.late > 0) add('warn', `${counts.late} late`, 'Steps that ended after the run had ended');
  if (run.durability === 'degraded') add('warn', 'degraded', 'A slow disk: some records went on in the background');
  if (run.observedAfter) add('plain', 'observed after', 'The record learned of these calls after they had happened');
  if (run.source !== 'live') add('plain', run.source, 'Not recorded live');
  return badges;
}

/** Words and tone of a run status. */
export function statusToTone(status: string): 'ok' | 'bad' | 'warn' | 'live' | 'wait' | 'off' {
  switch (status) {
    case 'completed':
    case 'success':
      return 'ok';
    case 'failed':
    case 'error':
      return 'bad';
    case 'timeout':
    case 'interrupted':
    case 'blocked':
    case 'in_doubt':
      return 'warn';
    case 'running':
    case 'in_progress':
      return 'live';
    case 'pending':
    case 'waiting_tool':
    case 'waiting_approval':
      return 'wait';
    default:
      return 'off';
  }
}

const textByBlockReason: Readonly<Record<string, string>> = {
  shadow_mode_destructive_blocked: 'The run is in shadow, and the tool is not known to only read',
  shadow_mode_message_suppressed: 'The run is in shadow, where no message leaves',
  environment_not_allowed: 'The tool may not be called in the environment of its worker',
};

/** Why a tool was kept from running, in words; a guard's own reason as it stands. */
export function blockReasonToText(reason: string | null): string {
  return reason === null ? 'No reason was recorded' : (textByBlockReason[reason] ?? reason);
}

/** True while a run can still grow. */
export function isRunOpen(run: RunView): boolean {
  return (
    run.status === 'pending' ||
    run.status === 'running' ||
    run.status === 'waiting_tool' ||
    run.status === 'waiting_approval'
  );
}

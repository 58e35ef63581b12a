import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { ProcessIdentity } from '../core/journal.ts';

/** Whether a process can still write. `unknown`: it cannot be told from here. */
export type Liveness = 'alive' | 'gone' | 'unknown';

/**
 * This process as a journal names it. On Linux `bootId` is the kernel's boot id and, behind a colon, the number of the
 * PID namespace, since a pid means nothing outside it; elsewhere it is empty and `processStart` is `null`.
 */
export function currentIdentity(writerId: string): ProcessIdentity {
  return {
    writerId,
    bootId: readBootId(),
    host: hostname(),
    pid: process.pid,
    processStart: statOf('self')?.start ?? null,
  };
}

/**
 * Whether the process of a journal still runs. `gone` only when that is certain as far as this machine knows:
 * another host, another PID namespace or a hidden process is `unknown`.
 */
export function isProcessAlive(identity: ProcessIdentity): Liveness {
  if (identity.host !== hostname()) return 'unknown';
  const [boot, space] = identity.bootId.split(':');
  const [ourBoot, ourSpace] = readBootId().split(':');
  if (boot !== ourBoot) return boot === '' || ourBoot === '' ? 'unknown' : 'gone';
  if (space !== ourSpace) return 'unknown';
  if (identity.processStart === null) return signalReaches(identity.pid) ? 'alive' : 'gone';
  const stat = statOf(identity.pid);
  if (stat === null) return signalReaches(identity.pid) ? 'unknown' : 'gone';
  // A zombie has run its last instruction and only waits to be counted by its parent.
  if (stat.state === 'Z' || stat.state === 'X') return 'gone';
  return stat.start === identity.processStart ? 'alive' : 'gone';
}

function readBootId(): string {
  const boot = readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
  if (boot === '') return '';
  try {
    return `${boot}:${/\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? ''}`;
  } catch {
    return `${boot}:`;
  }
}

// The command in the second field may hold spaces and brackets: the fields behind its last bracket are counted.
function statOf(pid: number | 'self'): { state: string; start: string } | null {
  const text = readText(`/proc/${pid}/stat`);
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, start] = [fields[0], fields[19]];
  return state === undefined || start === undefined ? null : { state, start };
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function signalReaches(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

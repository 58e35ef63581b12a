import { join } from 'node:path';
import { TachographError } from '../../../core/error.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * A folder as it was written down, with `~`, `$NAME` and `${NAME}` filled in. Throws `bad-argument` for a variable that is
 * not set, rather than write where nobody meant.
 */
export function expandFolder(path: string, variables: Variables): string {
  const home = variables['HOME'] ?? variables['USERPROFILE'];
  const variable = (_whole: string, braced?: string, bare?: string): string => {
    const name = braced ?? bare ?? '';
    const value = variables[name];
    if (value === undefined || value === '')
      throw new TachographError('bad-argument', `moa.traceDir is ${JSON.stringify(path)}, but ${name} is not set.`);
    return value;
  };
  const isOfHome = path === '~' || path.startsWith('~/') || path.startsWith('~\\');
  if (isOfHome && home === undefined)
    throw new TachographError('bad-argument', `moa.traceDir is ${JSON.stringify(path)}, but the home is not known.`);
  const whole = isOfHome ? join(home!, path.slice(1)) : path;
  return whole.replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, variable);
}

/** Where traces go: the folder that was chosen, else `moa-traces` in the data folder. `null`: neither is known. */
export function toTraceFolder(traceDir: string | null, dataFolder: string | null, variables: Variables): string | null {
  if (traceDir !== null && traceDir.trim() !== '') return expandFolder(traceDir, variables);
  return dataFolder === null ? null : join(dataFolder, 'moa-traces');
}

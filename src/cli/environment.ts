import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';

/** What a run was recorded in: enough to find the code that ran. */
export interface Environment {
  readonly commit: string | null;
  /** Uncommitted changes; `null` when nobody could tell. */
  readonly dirty: boolean | null;
  readonly cwd: string;
  readonly argv: readonly string[];
  readonly host: string;
  readonly pid: number;
  readonly node: string;
  readonly package: { readonly name: string | null; readonly version: string | null } | null;
  /** Versions of the SDKs that can be found from the working folder. */
  readonly sdks: Readonly<Record<string, string>>;
}

const gitMs = 1000;
const watched = [
  'ai',
  '@ai-sdk/openai',
  '@ai-sdk/anthropic',
  '@ai-sdk/google',
  'openai',
  '@anthropic-ai/sdk',
  '@google/genai',
  '@langchain/core',
];

function git(...args: string[]): string | null {
  try {
    return execFileSync('git', args, { encoding: 'utf8', timeout: gitMs, stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    // No git, no repository, or too slow: unknown, which is what null says.
    return null;
  }
}

function readPackage(file: string): { name: string | null; version: string | null } | null {
  try {
    const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown; version?: unknown };
    return { name: typeof name === 'string' ? name : null, version: typeof version === 'string' ? version : null };
  } catch {
    // Not there or not readable: the folder above may have one.
    return null;
  }
}

function nearest(folder: string, path: string): { name: string | null; version: string | null } | null {
  for (let at = folder; ; at = dirname(at)) {
    const found = readPackage(join(at, path));
    if (found !== null || dirname(at) === at) return found;
  }
}

/** Commit and dirtiness of the working folder. Runs git, so it is asked once by the parent command and handed down. */
export function readRevision(): Pick<Environment, 'commit' | 'dirty'> {
  const commit = git('rev-parse', 'HEAD');
  const changes = commit === null ? null : git('status', '--porcelain', '--untracked-files=no');
  return { commit, dirty: changes === null ? null : changes !== '' };
}

/** The environment of this process. */
export function readEnvironment(revision: Pick<Environment, 'commit' | 'dirty'>): Environment {
  const cwd = process.cwd();
  const sdks: Record<string, string> = {};
  for (const name of watched) {
    const version = nearest(cwd, join('node_modules', name, 'package.json'))?.version;
    if (version != null) sdks[name] = version;
  }
  return {
    ...revision,
    cwd,
    argv: process.argv,
    host: hostname(),
    pid: process.pid,
    node: process.versions.node,
    package: nearest(cwd, 'package.json'),
    sdks,
  };
}

/** The revision as the parent command handed it down, else unknown. */
export function parseRevision(text: string | undefined): Pick<Environment, 'commit' | 'dirty'> {
  const match = /^([0-9a-f]{7,64}) (dirty|clean|unknown)$/.exec(text ?? '');
  if (match === null) return { commit: null, dirty: null };
  return { commit: match[1]!, dirty: match[2] === 'unknown' ? null : match[2] === 'dirty' };
}

/** A revision as one environment variable. */
export function revisionToText({ commit, dirty }: Pick<Environment, 'commit' | 'dirty'>): string {
  return commit === null ? '' : `${commit} ${dirty === null ? 'unknown' : dirty ? 'dirty' : 'clean'}`;
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { CommandResult } from '../../../test/end-to-end/command.ts';

const mainFile = join(import.meta.dirname, '../main.ts');

/** A home of its own, and the command line on it. */
export interface CommandStage {
  readonly home: string;
  tachograph(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<CommandResult>;
  /** The newest run, by its id; of an agent, nested ones too, when one is named. */
  findRun(agent?: string): Promise<string>;
  /** A program of a few lines, in a file. */
  writeProgram(name: string, text: string): string;
  remove(): void;
}

/** Makes an empty home. */
export function createCommandStage(): CommandStage {
  const home = mkdtempSync(join(tmpdir(), 'tachograph-replay-'));
  const stage: CommandStage = {
    home,
    async tachograph(env, ...args) {
      const child = spawn(process.execPath, [mainFile, '--home', home, ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, NODE_OPTIONS: '', ...env },
      });
      let out = '';
      let err = '';
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
      const [status] = (await once(child, 'close')) as [number | null];
      return { status, out, err };
    },
    async findRun(agent) {
      const filter = agent === undefined ? [] : ['--nested', '--agent', agent];
      const { out } = await stage.tachograph({}, 'ls', '--json', ...filter);
      return (JSON.parse(out) as { items: { id: string }[] }).items[0]!.id;
    },
    writeProgram(name, text) {
      const file = join(home, name);
      writeFileSync(file, text);
      return file;
    },
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
  return stage;
}

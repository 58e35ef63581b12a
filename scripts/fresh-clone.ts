// npm run prove:fresh-clone [-- --test]: proves that a clone of HEAD starts with nothing but git, Node and npm. Clones
// into a temporary folder, with an empty npm cache, NODE_ENV=production and a PATH without this project's Node; runs
// `npm start`, asks /healthz, ends it with SIGTERM; starts it again, which must not install or build; then, with
// --test, runs `npm test`.
import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import process from 'node:process';

const root = join(import.meta.dirname, '..');
const place = mkdtempSync(join(tmpdir(), 'tachograph-clone-'));
const clone = join(place, 'clone');
const startMsMax = 300_000;
const endMsMax = 10_000;

/** A clean environment: what npm sets for its scripts would tell the clone about this checkout. */
function cleanEnvironment(): Record<string, string | undefined> {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|INIT_CWD|TACHOGRAPH_)/i.test(name));
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  return {
    ...Object.fromEntries(own),
    PATH: path.join(delimiter),
    NODE_ENV: 'production',
    npm_config_cache: join(place, 'npm-cache'),
  };
}

const env = cleanEnvironment();

async function step(name: string, work: () => unknown): Promise<void> {
  const started = performance.now();
  const found = await work();
  console.log(
    `prove: ${name}${typeof found === 'string' ? ` (${found})` : ''}: ${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
}

function runToEnd(command: string, args: readonly string[], cwd: string): void {
  const done = spawnSync(command, args, { cwd, env, stdio: ['ignore', 'inherit', 'inherit'] });
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${done.status}`);
}

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  readonly ready: Promise<{ address: string; printed: string }>;
}

/** Starts the server and answers its address, what it printed until then, and a way to end it. */
function startServer(): Started {
  const args = ['start', '--', '--port', '0', '--no-sample', '--home', join(place, 'home')];
  const child = spawn('npm', args, { cwd: clone, env, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve(code ?? signal)));
  const { promise, resolve, reject } = Promise.withResolvers<{ address: string; printed: string }>();
  const timer = setTimeout(() => reject(new Error(`no address after ${startMsMax} ms`)), startMsMax);
  let printed = '';
  child.stdout?.on('data', (bytes) => {
    process.stdout.write(bytes);
    printed += bytes;
    const address = /https?:\/\/(?:127\.0\.0\.1|localhost|\[::1\]):\d+/.exec(printed)?.[0];
    if (address !== undefined) resolve({ address, printed });
  });
  void ended.then((code) => reject(new Error(`npm start ended with ${code} before it printed an address`)));
  return { child, ended, ready: promise.finally(() => clearTimeout(timer)) };
}

async function serveOnce(check: (printed: string) => void): Promise<string> {
  const { child, ended, ready } = startServer();
  try {
    const { address, printed } = await ready;
    const response = await fetch(`${address}/healthz`);
    if (!response.ok) throw new Error(`/healthz answered ${response.status}`);
    check(printed);
    const started = performance.now();
    child.kill('SIGTERM');
    const late = new Promise((resolve) => setTimeout(resolve, endMsMax, 'late').unref());
    if ((await Promise.race([ended, late])) === 'late') throw new Error(`still running ${endMsMax} ms after SIGTERM`);
    await waitUntilClosed(address);
    return `ended ${(performance.now() - started).toFixed(0)} ms after SIGTERM`;
  } finally {
    child.stdout?.destroy();
    endGroup(child);
  }
}

/** Whatever npm left behind: it was started as a process group of its own. */
function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** npm may end before the server does; the port tells. */
async function waitUntilClosed(address: string): Promise<void> {
  for (let tries = 0; tries < endMsMax / 50; tries += 1) {
    const open = await fetch(`${address}/healthz`).then(
      () => true,
      () => false,
    );
    if (!open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${address} still answers ${endMsMax} ms after SIGTERM`);
}

function expectQuiet(printed: string): void {
  if (/installing packages|build: (code|web)/.test(printed))
    throw new Error('the second start installed or built again');
}

try {
  mkdirSync(join(place, 'npm-cache'));
  await step('node on PATH', () => spawnSync('node', ['--version'], { env, encoding: 'utf8' }).stdout.trim());
  await step('git clone', () => runToEnd('git', ['clone', '--quiet', '--no-hardlinks', root, clone], place));
  await step('first npm start', () => serveOnce(() => undefined));
  await step('second npm start', () => serveOnce(expectQuiet));
  if (process.argv.includes('--test')) await step('npm test', () => runToEnd('npm', ['test'], clone));
  console.log('prove: a fresh clone works');
} catch (error) {
  console.error(`prove: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  rmSync(place, { recursive: true, force: true });
}

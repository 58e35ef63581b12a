'use strict';
// Brings what the project runs on: its packages and, among them, its own Node. This file and the other .cjs files of
// this folder are run by whatever Node the machine has, so they use nothing newer than Node 18 understands.
//
//   node scripts/bootstrap.cjs                       install when the lock file changed
//   node scripts/bootstrap.cjs script.ts ...         the same, then run the script under the project's Node
//   node scripts/bootstrap.cjs --tests script.ts ... the same with what only tests need: the workspace test/
const { spawn, spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const root = path.dirname(__dirname);
const modules = path.join(root, 'node_modules');
const stamp = path.join(modules, '.tachograph-lock');
const testStamp = path.join(modules, '.tachograph-lock-tests');
const windows = process.platform === 'win32';
const projectNode = path.join(modules, 'node', 'bin', windows ? 'node.exe' : 'node');

function say(line) {
  process.stdout.write(`tachograph: ${line}\n`);
}

/** What an installation depends on, as one hash: the lock file and the machine's kind. */
function lockHash() {
  const hash = createHash('sha256');
  hash.update(fs.readFileSync(path.join(root, 'package-lock.json')));
  hash.update(`${process.platform} ${process.arch}`);
  return hash.digest('hex');
}

function isInstalled(withTests) {
  try {
    return fs.readFileSync(withTests ? testStamp : stamp, 'utf8') === lockHash() && fs.existsSync(projectNode);
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return false;
    throw error;
  }
}

/** PATH without any node_modules/.bin: the installation replaces the Node that may be running this script. */
function outsidePath() {
  const folders = (process.env.PATH || '').split(path.delimiter);
  return folders.filter((folder) => !/node_modules[\\/]\.bin[\\/]?$/.test(folder)).join(path.delimiter);
}

function outsideNode() {
  const name = windows ? 'node.exe' : 'node';
  const folder = outsidePath()
    .split(path.delimiter)
    .find((each) => each !== '' && fs.existsSync(path.join(each, name)));
  return folder === undefined ? process.execPath : path.join(folder, name);
}

/** Runs npm with a Node that the installation does not replace. `--include=dev` holds against NODE_ENV=production. */
function runNpm(args) {
  const cli = process.env.npm_execpath;
  const env = Object.assign({}, process.env, { PATH: outsidePath() });
  const options = { cwd: root, env, stdio: 'inherit' };
  if (cli !== undefined && path.basename(cli) === 'npm-cli.js')
    return spawnSync(outsideNode(), [cli].concat(args), options);
  return spawnSync(windows ? 'npm.cmd' : 'npm', args, Object.assign(options, { shell: windows }));
}

function nodeRuns() {
  return fs.existsSync(projectNode) && spawnSync(projectNode, ['--version']).status === 0;
}

function fail(line) {
  process.stderr.write(`tachograph: ${line}\n`);
  process.exit(1);
}

function reasonToInstall(withTests) {
  if (!fs.existsSync(modules)) return 'first start';
  return withTests && isInstalled(false) ? 'tests need more of them' : 'the lock file has changed';
}

/** Agent frameworks and database servers are many times the size of all else: only tests wait for them. */
function install(withTests) {
  const reason = reasonToInstall(withTests);
  const part = withTests ? [] : ['--workspace=web', '--include-workspace-root'];
  say(`installing packages (${reason}; this machine runs Node ${process.versions.node}, the project brings its own)`);
  const started = Date.now();
  const installed = runNpm(['ci', ...part, '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']);
  if (installed.status !== 0) fail(`npm ci ended with ${installed.status}. Its output above names the cause.`);
  // npm may be set to run no install scripts; the package that brings Node needs its own.
  if (!nodeRuns()) runNpm(['rebuild', 'node', '--ignore-scripts=false', '--foreground-scripts', '--loglevel=error']);
  if (!nodeRuns())
    fail(`the package "node" brought no Node that runs on ${process.platform} ${process.arch} (${os.release()}).`);
  fs.writeFileSync(stamp, lockHash());
  if (withTests) fs.writeFileSync(testStamp, lockHash());
  say(`packages installed in ${Math.round((Date.now() - started) / 1000)} s`);
}

/** Installs when the lock file's hash is not the one that was installed last; else does nothing, quickly. */
function ensureInstalled({ withTests }) {
  if (!isInstalled(withTests)) install(withTests);
}

/** The environment in which `node` is the project's own. */
function projectEnvironment() {
  const first = [path.dirname(projectNode), path.join(modules, '.bin')];
  return Object.assign({}, process.env, { PATH: first.concat(outsidePath()).join(path.delimiter) });
}

/** Runs a script under the project's Node to its end and answers its exit code. */
function runToEnd(args) {
  const done = spawnSync(projectNode, args, { cwd: root, env: projectEnvironment(), stdio: 'inherit' });
  if (done.error) throw done.error;
  return done.status === null ? 1 : done.status;
}

/** Becomes a script under the project's Node: passes signals on and ends as it ends. */
function become(args) {
  const child = spawn(projectNode, args, { cwd: root, env: projectEnvironment(), stdio: 'inherit' });
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  process.on('SIGHUP', () => child.kill('SIGHUP'));
  // A terminal's Ctrl-C has reached the child already; a second one would tell it not to tidy up.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  // npm runs scripts in a shell that does not pass SIGTERM on: it dies, and this process is handed to another parent.
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || child.kill('SIGTERM'), 200).unref();
  child.on('error', (error) => fail(`could not run ${args[0]}: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code === null ? 128 + (os.constants.signals[signal] || 0) : code));
}

module.exports = { become, ensureInstalled, projectNode, root, runToEnd, say };

if (require.main === module) {
  const withTests = process.argv[2] === '--tests';
  const args = process.argv.slice(withTests ? 3 : 2);
  ensureInstalled({ withTests });
  if (args.length > 0) become(args);
}

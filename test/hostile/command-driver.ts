import { readFileSync } from 'node:fs';
import process from 'node:process';
import { runCommandLine } from '../../src/cli/program.ts';

/* Runs the command lines of a JSON file one after the other; a line before each, on both outputs, says which it is. */
const lines = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as string[][];
for (const args of lines) {
  const title = `\n@@ ${args[0]} ${args.filter((arg) => arg.startsWith('--')).join(' ')}\n`;
  process.stdout.write(title);
  process.stderr.write(title);
  await runCommandLine(args);
}
process.exitCode = 0;

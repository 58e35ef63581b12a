import process from 'node:process';
import { runCommandLine } from './program.ts';

await runCommandLine(process.argv.slice(2));

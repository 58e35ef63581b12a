// Stands in for `tachograph run`: loaded before a program that knows nothing of it.
import process from 'node:process';
import { openRecorder } from '../../journal/index.ts';
import { createFetchCapture } from '../fetch/index.ts';
import { installAgents } from './index.ts';

const recorder = openRecorder();
installAgents(recorder);
createFetchCapture({ recorder, hostList: '127.0.0.1:*' }).install();
process.once('exit', () => void recorder.close());

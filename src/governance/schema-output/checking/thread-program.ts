import { parentPort } from 'node:worker_threads';
import type { CheckJob } from './check-job.ts';
import { createValidator } from './validator.ts';

// The program of the checking thread: one answer to each message, and a word when it is ready for the first.

const validate = createValidator();
parentPort?.on('message', (job: CheckJob) => parentPort?.postMessage(validate(job)));
parentPort?.postMessage('ready');

// The same agent, recorded by a handler that the program passes itself: for programs that are not started with
// `tachograph run`, and for those that record some of their calls.
//
// node recorded.mjs "Which is larger, Bern or Oslo, and by how much?"
import { openRecorder } from 'tachograph';
import { createFetchCapture } from 'tachograph/fetch';
import { tachographHandler } from 'tachograph/langchain';
import { ask } from './agent.mjs';

const recorder = openRecorder();
// The HTTP round trips under the model steps: retries, headers, what they really sent.
createFetchCapture({ recorder }).install();

console.log(
  await ask(process.argv[2] ?? 'Which is larger, Bern or Oslo, and by how much?', [tachographHandler(recorder)]),
);
await recorder.close();

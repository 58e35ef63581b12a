// The recording proxy in a process of its own, on a journal in the home it is given.
import process from 'node:process';
import { createRecordingProxy, parseUpstream, proxyPath } from '../../src/capture/proxy/index.ts';
import { openRecorder } from '../../src/journal/index.ts';
import type { Answering } from '../../src/server/index.ts';
import { createServer } from '../../src/server/index.ts';

const [home, upstream] = process.argv.slice(2);
const recorder = openRecorder({ home: home!, onError: (error) => console.error(error) });
const proxy = createRecordingProxy({ recorder, upstreams: [parseUpstream(`bench=${upstream}`)] });
const nothing: Answering = Object.assign(async () => new Response(null, { status: 404 }), { close: () => undefined });
const server = await createServer({ handler: nothing, port: 0, mount: { path: proxyPath, handle: proxy.handle } });
process.stdout.write(`${server.url}\n`);
process.on('disconnect', () => process.exit(0));

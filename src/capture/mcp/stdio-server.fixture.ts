import process from 'node:process';
import { StdioServerTransport as OldTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { openRecorder } from '../../journal/index.ts';
import { recordServer, recordTransport } from './index.ts';
import { buildOldServer, buildServer } from './server.fixture.ts';

// A server on stdio, recorded into a home of its own: `node stdio-server.fixture.ts <new|old> <home>`.

const [, , generation, home] = process.argv;
const recorder = openRecorder({ home: home! });
if (generation === 'new') serveStdio(() => recordServer(buildServer(), recorder));
else await buildOldServer().connect(recordTransport(new OldTransport(), recorder, { side: 'server' }));
// The older transport does not hear that its client is gone.
process.stdin.once('end', () => void recorder.close().then(() => process.exit(0)));

// An OTLP collector and a model provider in one process of their own, so that their work is not counted: the collector
// takes spans and drops them, the provider answers every second request with a tool call.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import process from 'node:process';

let collectedBytes = 0;

function answer(body: string): object {
  const { messages } = JSON.parse(body) as { messages: { role: string }[] };
  const isAsked = messages.at(-1)?.role === 'tool';
  const message = isAsked
    ? { role: 'assistant', content: 'done' }
    : {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'add', arguments: '{"a":1}' } }],
      };
  const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
  return {
    id: 'x',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message, finish_reason: isAsked ? 'stop' : 'tool_calls' }],
    usage,
  };
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    if (request.url === '/collected') {
      response.end(String(collectedBytes));
    } else if (request.url === '/v1/traces') {
      collectedBytes += body.length;
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    } else {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer(body.toString())));
    }
  });
});

server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`),
);
process.on('disconnect', () => process.exit(0));

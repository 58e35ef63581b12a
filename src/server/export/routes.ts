import { z } from 'zod';
import type { Seal } from '../../core/record/seal.ts';
import { keyToFingerprint } from '../../core/run-file/signature.ts';
import { sealToDigest } from '../../core/verify/seals.ts';
import { runPath } from '../field.ts';
import { toProblem } from '../problem.ts';
import { findRun } from '../reading/run-reference.ts';
import type { Route } from '../route.ts';
import { defineRoute } from '../route.ts';
import { runSeals } from '../schema/detail.ts';
import type { Surroundings } from '../surroundings.ts';
import type { RunSeals, WireSeal } from '../wire.ts';
import { writePlainExport } from './plain.ts';

function toWireSeal(seal: Seal, from: WireSeal['from']): WireSeal {
  const sum = (pick: (writer: Seal['writers'][number]) => number): number =>
    seal.writers.reduce((total, writer) => total + pick(writer), 0);
  const { number, projectId, timeMs, publicKey } = seal;
  return {
    number,
    projectId,
    timeMs,
    events: sum((writer) => writer.count),
    erased: sum(({ erased, spared = [] }) => spared.reduce((left, [from, to]) => left - (to - from + 1), erased)),
    publicKey,
    fingerprint: keyToFingerprint(publicKey),
    digest: sealToDigest(seal),
    from,
  };
}

const seals = defineRoute({
  method: 'GET',
  path: '/api/v1/runs/{id}/seals',
  scope: 'read',
  summary: 'Lists the seals over a run, and says where an imported one came from.',
  params: runPath,
  answer: runSeals,
  async handle({ params }, around): Promise<RunSeals> {
    const { store, projectId } = around;
    const run = await findRun(around, params.id);
    const origin = around.originOf(projectId, run.id);
    const own = await store.listSeals(projectId, run.id);
    return {
      seals: [
        ...(origin?.seals ?? []).map((seal) => toWireSeal(seal, 'origin')),
        ...own.map((seal) => toWireSeal(seal, 'here')),
      ],
      origin:
        origin === null
          ? null
          : { projectId: origin.projectId, fingerprint: keyToFingerprint(origin.closing.publicKey) },
    };
  },
});

/** A body that is written as fast as it is read; a failure in the middle cuts the connection, so that no half is whole. */
function toBody(pieces: AsyncIterable<string>): ReadableStream<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done === true) controller.close();
      else controller.enqueue(Buffer.from(value));
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}

/** Runs the first piece, so that what fails at once is told as a problem and not by a cut connection. */
async function begun(pieces: AsyncIterable<string>): Promise<AsyncIterable<string>> {
  const iterator = pieces[Symbol.asyncIterator]();
  const first = await iterator.next();
  return (async function* () {
    if (first.done === true) return;
    yield first.value;
    for (;;) {
      const next = await iterator.next();
      if (next.done === true) return;
      yield next.value;
    }
  })();
}

function toFile(body: BodyInit, type: string, name: string): Response {
  const headers = {
    'content-type': type,
    'content-disposition': `attachment; filename="${name}"`,
    'cache-control': 'no-store',
  };
  return new Response(body, { headers });
}

async function exportRun(
  around: Surroundings,
  reference: string,
  { format = 'run-file', scope = 'run' }: { format?: string | undefined; scope?: 'run' | 'session' | undefined },
): Promise<Response> {
  const run = await findRun(around, reference);
  if (format === 'json') {
    const pieces = await begun(writePlainExport(around, run, scope));
    return toFile(toBody(pieces), 'application/json', `${scope}-${run.id}.json`);
  }
  const { exporter, projectId } = around;
  if (exporter === null)
    return toProblem(
      'not-offered',
      'This server cannot sign run files. Use the command line: tachograph export <run>.',
    );
  if (format === 'html')
    return toFile(await exporter.page(projectId, run.id), 'text/html; charset=utf-8', `run-${run.id}.html`);
  const pieces = await begun(exporter.runFile(projectId, run.id));
  return toFile(toBody(pieces), 'application/vnd.tachograph.run', `run-${run.id}.tgr`);
}

const get = defineRoute({
  method: 'GET',
  path: '/api/v1/runs/{id}/export',
  scope: 'read',
  summary:
    'Gives a run as one file: a run file that proves itself, a page that opens offline, or plain JSON of the run or its session.',
  params: runPath,
  query: z.strictObject({
    format: z
      .enum(['run-file', 'html', 'json'], 'must be run-file, html or json')
      .optional()
      .meta({ description: '`run-file` unless said.' }),
    scope: z
      .enum(['run', 'session'], 'must be run or session')
      .optional()
      .meta({ description: 'Only for `json`: the run, or up to 100 runs of its session.' }),
  }),
  answer: 'application/octet-stream',
  handle: ({ params, query }, around) => exportRun(around, params.id, query),
});

/** Routes of what leaves this place, and of what proves it. */
export const exportRoutes: readonly Route[] = [get, seals];

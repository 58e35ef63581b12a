import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createRunFileSigner } from '../../src/core/run-file/signature.ts';
import { openRecorder } from '../../src/journal/index.ts';
import type { TemporaryHome } from '../indexer/home.ts';
import { createTemporaryHome } from '../indexer/home.ts';
import { exportRun, sealRun, seedOf } from '../run-file/sealed.ts';
import { createMemoryStore } from '../../src/stores/memory/index.ts';
import { createWorld, toBatch } from '../../src/testing/index.ts';
import { tachograph } from './command.ts';

interface Imported {
  readonly imported: readonly { runId: string; newEvents: number; verdict: { intact: { verdict: string } } }[];
  readonly refused: readonly { code: string; message: string }[];
}

describe('a run in a file, by the command line', () => {
  let from: TemporaryHome;
  let to: TemporaryHome;
  let file: string;
  let runId: string;

  beforeAll(async () => {
    from = createTemporaryHome();
    const recorder = openRecorder({ home: from.home });
    await recorder.run({ agentId: 'greeter', sessionId: 'talk-1' }, (run) => {
      const step = run.step({ kind: 'model', model: 'm-1', messages: [{ role: 'user', content: 'hello there' }] });
      step.finish({ status: 'completed', response: [{ type: 'text', text: 'good day' }] });
      runId = run.id;
    });
    await recorder.run({ agentId: 'second', sessionId: 'talk-1' }, () => 'done');
    await recorder.close();
    file = join(from.home, 'greeter.tgr');
    expect(await tachograph(from.home, 'export', runId, '-o', file)).toMatchObject({ status: 0 });
  }, 30_000);

  afterAll(() => from.remove());

  afterEach(() => to?.remove());

  const importInto = async (
    place: TemporaryHome,
    ...args: readonly string[]
  ): Promise<Imported & { status: number | null }> => {
    const { status, out } = await tachograph(place.home, 'import', ...args, '--json');
    return { status, ...(JSON.parse(out) as Imported) };
  };

  it('is verified and shown with no home at all, and by the key that was demanded', async () => {
    const none = join(from.home, 'no', 'home');
    const verified = await tachograph(none, 'verify', file);
    expect(verified).toMatchObject({ status: 0, err: '' });
    expect(verified.out).toMatch(/greeter\.tgr: intact, complete/);
    const key = /--key (\S+)/.exec(verified.out)![1]!;
    expect(await tachograph(none, 'verify', file, '--key', key)).toMatchObject({ status: 0 });
    const other = await tachograph(none, 'verify', file, '--key', createRunFileSigner(seedOf(3)).publicKey);
    expect(other.status).toBe(1);
    expect(other.out).toMatch(/bad-signature/);
    const shown = await tachograph(none, 'show', file);
    expect(shown.out).toMatch(/agent greeter[\s\S]*m-1/);
    expect((await tachograph(none, 'show', file, '--step', '1')).out).toMatch(/hello there[\s\S]*good day/);
    expect(existsSync(none)).toBe(false);
  });

  it('goes into another home word for word, once, and comes out the same', async () => {
    to = createTemporaryHome();
    const first = await importInto(to, file);
    expect(first).toMatchObject({
      status: 0,
      refused: [],
      imported: [{ runId, verdict: { intact: { verdict: 'intact' } } }],
    });
    expect(first.imported[0]!.newEvents).toBeGreaterThan(3);
    expect((await importInto(to, file)).imported[0]!.newEvents).toBe(0);
    const verified = await tachograph(to.home, 'verify', runId);
    expect(verified.out).toMatch(/intact, complete[\s\S]*2 seals/);
    const key = /imported from project default: 1 seal, 1 key (\S+)/.exec(verified.out)![1]!;
    expect(await tachograph(to.home, 'verify', runId, '--key', key)).toMatchObject({ status: 0 });
    expect(await tachograph(to.home, 'verify', runId, '--key', key.replaceAll(/./g, '0'))).toMatchObject({ status: 1 });
    expect(await tachograph(from.home, 'verify', runId, '--key', key)).toMatchObject({ status: 2 });
    expect(await tachograph(to.home, 'verify', '--all')).toMatchObject({ status: 0 });
    const again = join(to.home, 'again.tgr');
    await tachograph(to.home, 'export', runId, '-o', again);
    expect(readFileSync(again).equals(readFileSync(file))).toBe(true);
    const packed = join(to.home, 'again.tgr.zst');
    await tachograph(to.home, 'export', runId, '-o', packed);
    expect(readFileSync(packed).length).toBeLessThan(readFileSync(file).length);
    expect(await tachograph(to.home, 'verify', packed)).toMatchObject({ status: 0 });
    const origins = join(to.home, 'origins');
    expect(readdirSync(origins, { recursive: true }).map(String)).toContain(join('default', `${runId}.origin`));
    expect(readFileSync(join(origins, 'default', `${runId}.origin`), 'utf8')).not.toContain('hello');
  }, 30_000);

  it('is refused when it was changed, cut, or is none, and nothing of it is kept', async () => {
    to = createTemporaryHome();
    const bytes = readFileSync(file);
    const bad = join(to.home, 'bad.tgr');
    const cut = join(to.home, 'cut.tgr');
    const none = join(to.home, 'none.tgr');
    writeFileSync(bad, bytes.toString().replace('hello there', 'hello world'));
    writeFileSync(cut, bytes.subarray(0, bytes.length - 300));
    writeFileSync(none, '{"spans":[]}\n');
    const { status, imported, refused } = await importInto(to, bad, cut, none);
    expect({ status, imported }).toEqual({ status: 1, imported: [] });
    expect(refused.map(({ code }) => code)).toEqual(['export-foreign', 'export-foreign', 'export-foreign']);
    expect(refused.map(({ message }) => message).join('\n')).toMatch(
      /event 2 of writer[\s\S]*line \d+, byte \d+[\s\S]*line 1, byte 0/,
    );
    expect((await tachograph(to.home, 'ls', '--json')).out).not.toContain(runId);
  });

  it('is refused when redaction would take something out, and when the run is here with other events', async () => {
    to = createTemporaryHome();
    const store = createMemoryStore();
    await store.initialize();
    const secret = createWorld().run({ agentId: 'leaky' });
    secret.step({
      messages: [
        {
          role: 'user',
          content:
            'my key is sk-ant-api03-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-AbCdEfGhIjKl-AAAAAA',
        },
      ],
    });
    secret.end();
    await store.importBatch(toBatch(secret.entries));
    await sealRun(store, secret.id);
    const leaky = join(to.home, 'leaky.tgr');
    writeFileSync(leaky, await exportRun(store, secret.id));
    const refusal = await importInto(to, leaky);
    expect(refusal.refused[0]!.message).toMatch(/redaction here would have taken out .*×1.*first at event 2/);
    expect((await tachograph(to.home, 'show', leaky)).out).toContain('agent leaky');

    const other = createMemoryStore();
    await other.initialize();
    const twin = createWorld().run({ id: secret.id, agentId: 'twin' }).end();
    await other.importBatch(toBatch(twin.entries));
    await sealRun(other, twin.id);
    const good = join(to.home, 'good.tgr');
    writeFileSync(good, await exportRun(other, twin.id));
    expect((await importInto(to, good)).status).toBe(0);
    const rival = createMemoryStore();
    await rival.initialize();
    await rival.importBatch(toBatch(createWorld().run({ id: secret.id, agentId: 'rival' }).end().entries));
    await sealRun(rival, twin.id);
    writeFileSync(good, await exportRun(rival, twin.id));
    expect((await importInto(to, good)).refused[0]!.message).toMatch(/is here with another event 1/);
    expect((await tachograph(to.home, 'show', 'last')).out).toContain('agent twin');
  }, 30_000);

  it('shows as unsealed when the seal of this home is gone', async () => {
    to = createTemporaryHome();
    await importInto(to, file);
    const { DatabaseSync } = await import('node:sqlite');
    const database = new DatabaseSync(join(to.home, 'tachograph.db'));
    database.exec('DELETE FROM seals');
    database.close();
    rmSync(join(to.home, 'keys'), { recursive: true });
    const verified = await tachograph(to.home, 'verify', runId, '--json');
    expect(verified.status).toBe(1);
    expect(JSON.parse(verified.out)).toMatchObject({ intact: { verdict: 'unsealed' } });
  });

  it('comes as plain JSON of a run or its session', async () => {
    const run = JSON.parse((await tachograph(from.home, 'export', runId, '--json')).out);
    expect(run).toMatchObject({
      version: 1,
      scope: 'run',
      failed: [],
      cut: false,
      runs: [{ run: { id: runId }, verdict: { intact: { verdict: 'intact' } } }],
    });
    expect(JSON.stringify(run.runs[0].steps[0].context.messages)).toContain('hello there');
    const session = JSON.parse((await tachograph(from.home, 'export', runId, '--json', '--session')).out);
    expect(session).toMatchObject({ scope: 'session', sessionId: 'talk-1', failed: [] });
    expect(session.runs).toHaveLength(2);
    const folder = join(from.home, 'talk');
    await tachograph(from.home, 'export', runId, '--session', '-o', folder);
    expect(readdirSync(folder)).toHaveLength(2);
    expect((await tachograph(from.home, 'export', runId, '-o', '-')).out).toBe(readFileSync(file, 'utf8'));
  }, 30_000);

  it('goes as the guide says, every line of it', () => {
    to = createTemporaryHome();
    const root = fileURLToPath(new URL('../..', import.meta.url));
    const guide = readFileSync(join(root, 'docs/guides/integrity.md'), 'utf8');
    const lines = [...guide.matchAll(/```sh\n(.*?)```/gs)].flatMap((match) => match[1]!.trim().split('\n'));
    expect(lines.length).toBeGreaterThan(8);
    const hasViewer = existsSync(join(root, 'dist/web/page/viewer.js'));
    const script = lines.filter((line) => hasViewer || !line.includes('.html')).join(' || exit 1\n');
    const shim = `tachograph() { '${process.execPath}' '${join(root, 'src/cli/main.ts')}' --home '${from.home}' "$@"; }\n`;
    const { status, stderr } = spawnSync('sh', ['-c', `${shim}${script} || exit 1`], {
      cwd: to.home,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  }, 60_000);

  it('has an anchor that holds until the record is sealed again', async () => {
    const { out } = await tachograph(from.home, 'verify', '--print-anchor');
    expect(out).toMatch(/^tachograph-anchor\/1 default \d+ [0-9a-f]{64} \d{4}-\d\d-\d\dT[\d:.]+Z\n$/);
    expect(await tachograph(from.home, 'verify', '--anchor', out)).toMatchObject({ status: 0 });
    const forged = out.replace(/[0-9a-f]{64}/, 'a'.repeat(64));
    expect((await tachograph(from.home, 'verify', '--anchor', forged)).status).toBe(1);
    expect((await tachograph(from.home, 'verify', '--anchor', out.replace(/ \d+ /, ' 9 '))).status).toBe(1);
    expect((await tachograph(from.home, 'verify', '--anchor', 'tachograph-anchor/1 x')).status).toBe(2);
    expect((await tachograph(from.home, 'verify', '--all', '--anchor', out)).status).toBe(2);
  }, 30_000);
});

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCauses, listQuarantine } from '../../src/journal/index.ts';
import { openSqliteStore } from '../../src/stores/sqlite/index.ts';
import { createWorld } from '../../src/testing/world.ts';
import { tachograph } from '../end-to-end/command.ts';
import { filesWith } from './home.ts';
import { expectSound, plainRun, useOpenedHome } from './opened-home.ts';
import { entryToBody, forgeJournal } from './journals.ts';

const place = useOpenedHome();
const { closing, open, openParts } = place;

describe('a journal whose checksums are right over anything', () => {
  it('loses only the entries whose header names no run, writer, number or time', async () => {
    const world = createWorld();
    const run = plainRun(world, 'word');
    const journal = forgeJournal(place.home).append(run.entries[0]!);
    const [, next] = run.entries;
    const { runId, writerId } = next!.event.header;
    const odds = [
      `[1,"${runId}","${writerId}",NaN,"log",1,null,null,null]`,
      `[1,"${runId}","${writerId}",Infinity,"log",1,null,null,null]`,
      `[1,"${runId}","${writerId}",1.5,"log",1,null,null,null]`,
      `[1,"${runId}","${writerId}",-1,"log",1,null,null,null]`,
      `[1,"${runId}","${writerId}",9007199254740993,"log",1,null,null,null]`,
      `[1,"${runId}","${writerId}",9,"log",1e+21,null,null,null]`,
      `[1,"${runId}","${writerId}",9,"log",NaN,null,null,null]`,
      `[1,"${runId}","${writerId}",9,"__proto__",1,null,null,null]`,
      `[1,"${runId}","${writerId}",9,"step-end",1,"__proto__",null,null]`,
      `[1,"${runId}","${writerId}",9,"attempt-start",1,null,1e+300,null]`,
      `[1,"not a run","${writerId}",9,"log",1,null,null,null]`,
      `[1,"${runId}","__proto__",9,"log",1,null,null,null]`,
    ];
    for (const header of odds) journal.appendBody(entryToBody(next!, header));
    const outside = entryToBody(next!);
    outside.writeInt32LE(-5, 0);
    journal.appendBody(outside).appendBody(Buffer.alloc(0)).appendBody(Buffer.alloc(300, 255));
    journal.append(...run.entries.slice(1));
    const home = await open();
    await home.indexer.catchUp();
    expect(home.problems).toHaveLength(odds.length + 3);
    await expectSound(home, run.id);
    expect((await home.verify(run.id)).intact.verdict).toBe('intact');
    expect(readCauses(listQuarantine(place.home)[0]!.file)).toHaveLength(odds.length + 3);
  });

  it('takes an event type that it does not know, and one that is a word of the language', async () => {
    const run = createWorld().run();
    for (const type of ['tool-retry', 'constructor', 'attempt-pause']) run.emit(type as 'log', { payload: { a: 1 } });
    forgeJournal(place.home).append(...run.end().entries);
    const home = await open();
    await home.indexer.catchUp();
    expect(home.problems).toEqual([]);
    await expectSound(home, run.id);
    expect((await home.store.getRun('default', run.id)).counts.events).toBe(5);
  });

  it('is put aside when its head names no process, or a project that is not its folder (I10)', async () => {
    const world = createWorld();
    const [strange, foreign, good] = [plainRun(world, 'strange'), plainRun(world, 'foreign'), plainRun(world, 'good')];
    const heads = [{ pid: '../../etc' }, { bootId: 7 }, { host: null }, { writerId: {} }];
    for (const identity of heads) forgeJournal(place.home, { identity: identity as never }).append(...strange.entries);
    forgeJournal(place.home, { projectId: 'other' }).append(...foreign.entries);
    forgeJournal(place.home, { writerId: 'b'.repeat(16) }).append(...good.entries);
    mkdirSync(join(place.home, 'journal', 'default', '20261102T000000000Z-1-0000000000000000.tgj'));
    const home = await open();
    await home.indexer.catchUp();
    expect((await home.store.listRuns('default', {}, {})).items.map(({ agentId }) => agentId)).toEqual(['good']);
    expect(await home.store.listProjects()).toEqual(['default']);
    expect(listQuarantine(place.home)).toHaveLength(heads.length + 1);
    expect(home.problems.some(({ message }) => message.includes('EISDIR'))).toBe(true);
    await home.indexer.catchUp();
    expect(home.problems).toHaveLength(heads.length + 2);
  });

  it('keeps a copy of every damaged stretch, also when the indexer is gone before the file is', async () => {
    const world = createWorld();
    const run = plainRun(world, 'word');
    const journal = forgeJournal(place.home, { identity: { bootId: 'long ago:1' } });
    const broken = Buffer.from('hornbill '.repeat(50));
    journal
      .append(run.entries[0]!)
      .appendBytes(broken)
      .append(...run.entries.slice(1));
    const store = openSqliteStore({ file: join(place.home, 'tachograph.db') });
    await store.initialize();
    closing.push(store);
    const first = await openParts({ wrapArchive: (archive) => ({ ...archive, remove: () => true }) });
    await first.indexer.catchUp();
    const home = await open();
    await home.indexer.catchUp();
    await home.indexer.catchUp();
    expect(readdirSync(dirname(journal.file)).filter((name) => name.endsWith('.tgj'))).toEqual([]);
    const [aside] = listQuarantine(place.home);
    expect(readFileSync(aside!.file).includes(broken)).toBe(true);
    expect(readCauses(aside!.file)).toHaveLength(1);
    await home.indexer.eraseRun('default', run.id);
    expect(filesWith(place.home, 'hornbill')).toEqual([]);
  });

  it('shows what hostile words in a complaint say, and does nothing they command', async () => {
    const folder = join(place.home, 'quarantine', 'default');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'a.tgj'), 'x');
    writeFileSync(join(folder, 'a.tgj.cause.txt'), 'a.tgj\n\u001b]0;owned\u0007\u001b[2J\u202eevil\n');
    const { out } = await tachograph(place.home, 'doctor');
    expect(out).toContain('⟨U+001B⟩');
    expect(out).not.toMatch(/[\u001b\u0007\u202e]/);
  });
});

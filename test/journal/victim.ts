import { writeSync } from 'node:fs';
import { createJournal } from '../../src/journal/index.ts';
import { contentOf, createEntries, runA } from './entries.ts';

// Appends until it is killed and tells its parent the number of every entry that was acknowledged. The numbers go out
// by a plain write before the next append, so the parent's ledger never runs ahead of an acknowledgement.
const [home, writer, mode] = process.argv.slice(2) as [string, string, string];
const journal = createJournal({ home, projectId: 'default', writerId: writer, buffered: mode === 'buffered' });
const next = createEntries(runA, writer);

function turn(): void {
  for (let i = 0; i < 50; i += 1) {
    const words = `words ${'x'.repeat((i * 97) % 3000)}`;
    const entry = next(words, i % 10 === 0 ? [contentOf(`${writer} ${i} ${words}`)] : []);
    if (journal.append(entry) === 'kept') writeSync(1, `${entry.event.header.n}\n`);
  }
  setTimeout(turn, 1);
}

turn();

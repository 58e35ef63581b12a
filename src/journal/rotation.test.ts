import { expect, it } from 'vitest';
import { createEntries, runA, withHome, writerId } from '../../test/journal/entries.ts';
import { createHandClock } from '../../test/journal/faulty-files.ts';
import { createJournal, listJournals } from './index.ts';

it('begins a new file after a day, with the next entry', () =>
  withHome(async (home) => {
    const clock = createHandClock();
    const journal = createJournal({ home, projectId: 'default', writerId, clock });
    const next = createEntries(runA);
    journal.append(next('first'));
    clock.pass(23 * 3600 * 1000);
    journal.append(next('second'));
    expect(listJournals(home)).toHaveLength(1);
    clock.pass(2 * 3600 * 1000);
    expect(listJournals(home)).toHaveLength(1);
    journal.append(next('third'));
    journal.append(next('fourth'));
    expect(listJournals(home)).toHaveLength(2);
    await journal.close();
  }));

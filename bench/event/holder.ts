// A process that holds the store for itself, as a stuck writer would, until its parent is gone.
import process from 'node:process';
import { DatabaseSync } from 'node:sqlite';

const database = new DatabaseSync(process.argv[2]!);
database.exec('PRAGMA journal_mode = WAL');
database.exec('CREATE TABLE IF NOT EXISTS held (id INTEGER PRIMARY KEY)');
database.exec('BEGIN EXCLUSIVE');
database.exec('INSERT INTO held DEFAULT VALUES');
process.stdout.write('held\n');
// The connection stays in use, so that it is not closed for being forgotten.
process.on('disconnect', () => {
  database.exec('ROLLBACK');
  process.exit(0);
});

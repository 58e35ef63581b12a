import process from 'node:process';
import { spendAtOnce } from '../../../testing/work/spend.ts';
import { createPostgresStore } from '../index.ts';

/* A process that spends as often as it is told to, and says how often it was let: `node … <url> <times>`. */

const [url, times] = process.argv.slice(2);
const store = createPostgresStore({ url: url!, poolMax: 4 });
await store.initialize();
const admitted = await spendAtOnce(store, Number(times));
await store.close();
process.stdout.write(String(admitted));

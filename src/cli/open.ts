import { join } from 'node:path';
import process from 'node:process';
import type { Prices } from '../core/cost/prices.ts';
import { isTachographError } from '../core/error.ts';
import { withPseudonyms } from '../core/query/pseudonyms.ts';
import { createRedactor } from '../core/redact/create.ts';
import type { RedactOptions } from '../core/redact/options.ts';
import type { Redactor } from '../core/redact/redactor.ts';
import type { RunView } from '../core/model/run.ts';
import type { Store } from '../core/store.ts';
import type { Finding, Verdict } from '../core/verify/verdict.ts';
import { checkSealChain } from '../core/verify/ledger.ts';
import type { Trust } from '../core/verify/verify.ts';
import { verifyStoredRun } from '../core/verify/verify.ts';
import { createSealSigner } from '../core/verify/seals.ts';
import type { SealSigner } from '../core/verify/seals.ts';
import type { Indexer, News, Problem } from '../indexer/index.ts';
import { createFileLock, createIndexer } from '../indexer/index.ts';
import { defaultHome, openHome, openSealHeads, readSettings } from '../journal/index.ts';
import { findRun } from '../server/index.ts';
import type { KeySource } from './access/secret.ts';
import { createKeySource } from './access/secret.ts';
import { createArchive } from './archive.ts';
import { chooseDatabase, createStore } from './database.ts';
import { readPrices } from './prices.ts';
import { verifyImported } from './export/imported.ts';
import { readOrigin } from './export/origin-shelf.ts';

/** A home with everything in it put together. */
export interface OpenedHome {
  readonly home: string;
  readonly projectId: string;
  readonly store: Store;
  /** What calls cost whose record does not tell; the store estimates by them. */
  readonly prices: Prices;
  readonly indexer: Indexer;
  /** The project's: what people write beside the record goes through it, and gets the placeholders of the record. */
  readonly redactor: Redactor;
  readonly problems: readonly Problem[];
  /** The home's secret keys, or those that several servers share. */
  readonly keyOf: KeySource;
  /** The address of the PostgreSQL database, with its password; `null` for the home's own file. */
  readonly database: string | null;
  /** The public key that this home's seals of the project must carry. */
  trustedKey(projectId: string): string;
  /** The run's verdict; of this home's own project unless another is named. */
  verify(runId: string, projectId?: string): Promise<Verdict>;
  /** The redactor of any project, whose placeholders its record has. */
  redactorOf(projectId: string): Redactor;
  /** Checks that the project's seals follow each other up to the newest that was made; `null` when they do. */
  checkSeals(): Promise<Finding | null>;
  /** A run by id, unique prefix or `last`. `run-not-found` and `prefix-ambiguous` say what to do. */
  findRun(reference: string): Promise<RunView>;
  close(): Promise<void>;
}

/** Which home and project a command works in. */
export interface HomeChoice {
  readonly home?: string;
  readonly project?: string;
  /** A PostgreSQL database in place of the home's own file. */
  readonly database?: string;
  /** The prices in force; left out, the home's price file over the shipped table. */
  readonly prices?: Prices;
  /** Where database, secret and project are named; the process's environment unless said. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  /** Puts something around the store, for all that use it. */
  readonly aroundStore?: (store: Store) => Store;
  readonly onNews?: (news: News) => void;
  readonly onError?: (error: unknown) => void;
  /** Told of what could not be imported or sealed, as `problems` has it. */
  readonly onProblem?: (problem: Problem) => void;
}

/** The home a command was pointed at: `--home`, else TACHOGRAPH_HOME, else the user's data folder. */
export function chooseHome(home: string | undefined): string {
  return home ?? defaultHome();
}

/** The home's own rules. What is there already can be looked at while they cannot be read; `serve` and recorders refuse. */
function readRedact(home: string): RedactOptions {
  try {
    return readSettings(home).redact;
  } catch (error) {
    if (isTachographError(error)) return {};
    throw error;
  }
}

/** Opens a home: store, keys, journals and indexer. The indexer is not started. */
export async function openTachograph(choice: HomeChoice): Promise<OpenedHome> {
  const home = openHome(chooseHome(choice.home));
  const variables = choice.variables ?? process.env;
  const projectId = choice.project ?? variables['TACHOGRAPH_PROJECT'] ?? 'default';
  const prices = choice.prices ?? readPrices(home);
  const redact = readRedact(home);
  const keyOf = createKeySource(home, variables);
  const redactors = new Map<string, ReturnType<typeof createRedactor>>();
  const redactorOf = (project: string): ReturnType<typeof createRedactor> => {
    let found = redactors.get(project);
    if (found === undefined) {
      found = createRedactor({ key: keyOf(`${project}.content`, 32), ...redact });
      redactors.set(project, found);
    }
    return found;
  };
  const redactor = redactorOf(projectId);
  const database = chooseDatabase(choice.database, variables);
  const { aroundStore = (store: Store) => store } = choice;
  const plain = aroundStore(createStore({ home, database, prices }));
  const store = redact.pseudonymise === true ? withPseudonyms(plain, (name) => redactor.identifier(name).value) : plain;
  await store.initialize();
  const signers = new Map<string, SealSigner>();
  const signerOf = (project: string): SealSigner => {
    let signer = signers.get(project);
    if (signer === undefined) signers.set(project, (signer = createSealSigner(keyOf(`${project}.seal`, 32))));
    return signer;
  };
  const sealHeads = openSealHeads(home);
  const trustIn = (project: string): Trust => ({
    publicKey: signerOf(project).publicKey,
    head: sealHeads.read(project),
  });
  const problems: Problem[] = [];
  const indexer = createIndexer({
    store,
    archive: createArchive(home),
    lock: createFileLock(join(home, 'indexer.lock')),
    redactor,
    signerOf,
    sealHeads,
    isShared: database !== null,
    onProblem(problem) {
      problems.push(problem);
      choice.onProblem?.(problem);
    },
    ...(choice.onNews === undefined ? {} : { onNews: choice.onNews }),
    ...(choice.onError === undefined ? {} : { onError: choice.onError }),
  });
  return {
    home,
    projectId,
    store,
    prices,
    indexer,
    redactor,
    problems,
    keyOf,
    database,
    trustedKey: (project) => signerOf(project).publicKey,
    redactorOf,
    async verify(runId, of = projectId) {
      const origin = readOrigin(home, { projectId: of, runId });
      const trust = trustIn(of);
      return origin === null
        ? verifyStoredRun(store, { projectId: of, runId }, trust)
        : verifyImported(store, { projectId: of, runId }, { ...trust, origin });
    },
    async checkSeals() {
      // The head first: seals that come meanwhile are then beyond it, never short of it.
      const trust = trustIn(projectId);
      return checkSealChain(await store.listSeals(projectId), trust);
    },
    findRun: (reference) => findRun({ store, projectId }, reference),
    async close() {
      await indexer.close();
      await store.close();
    },
  };
}

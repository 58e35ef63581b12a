import type { SuiteContext, TestApi } from '../store-suite.ts';
import { describeClaims } from './claim-cases.ts';
import { describeFiling } from './filing-cases.ts';
import { describeLife } from './life-cases.ts';
import { describeMemos } from './memo-cases.ts';
import { describeRegisters } from './register-cases.ts';
import { createWorkWorld, type WorkWorld } from './work-world.ts';

/** What the cases about runs as work are given. */
export interface WorkContext {
  readonly api: TestApi;
  /** Runs one case against a fresh store. */
  readonly withWork: (body: (world: WorkWorld) => Promise<void>) => () => Promise<void>;
}

/** The rules of runs as work. A store that only keeps records has none of them to keep. */
export function describeWork({ api, withStore }: SuiteContext): void {
  const withWork: WorkContext['withWork'] = (body) =>
    withStore(async (store) => {
      if (store.work !== null) await body(createWorkWorld(store));
    });
  const context: WorkContext = { api, withWork };
  api.describe('runs as work', () => {
    describeLife(context);
    describeClaims(context);
    describeMemos(context);
    describeFiling(context);
    describeRegisters(context);
  });
}

import { writeFileSync } from 'node:fs';
import process from 'node:process';
import type { Reporter, TestModule, TestResult } from 'vitest/node';

function reasonOf(result: TestResult): string | null {
  return result.state === 'skipped' ? (result.note ?? null) : null;
}

/** A vitest reporter that writes which tests were skipped and why to the file that `TACHOGRAPH_SKIPS` names. */
export class SkipReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const file = process.env.TACHOGRAPH_SKIPS;
    if (file === undefined) return;
    const skips = modules.flatMap((module) =>
      [...module.children.allTests('skipped')].map((test) => ({
        file: module.relativeModuleId,
        name: test.fullName,
        reason: reasonOf(test.result()),
      })),
    );
    writeFileSync(file, JSON.stringify(skips));
  }
}

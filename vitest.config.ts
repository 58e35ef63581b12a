import { defineConfig } from 'vitest/config';
import { SkipReporter } from './scripts/test/skip-reporter.ts';

// Workers and every process that a test starts run under the Node that runs vitest: the project's own.
const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 24)
  throw new Error(`tests run under Node 24, this is ${process.versions.node}: use npm test or npx vitest`);

/** Tests stand beside what they test; what no folder owns stands in test/. */
export default defineConfig({
  test: {
    include: ['{src,web/src,test,web/test,examples}/**/*.test.{ts,tsx}'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', new SkipReporter()],
  },
});

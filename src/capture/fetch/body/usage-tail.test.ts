import { expect, it } from 'vitest';
import { createUsageTail } from './usage-tail.ts';

const costOf = (...chunks: string[]): number | null => {
  const tail = createUsageTail();
  for (const chunk of chunks) tail.push(Buffer.from(chunk));
  return tail.costNanoUsd();
};

it('finds what the provider said a call cost, at the end of a document or of a stream', () => {
  expect(costOf('{"choices":[],"usage":{"prompt_tokens":3,"cost":0.0012,"cost_details":{"upstream":null}}}')).toBe(
    1_200_000,
  );
  expect(costOf('data: {"usage":null}\n\n', 'data: {"usage": {"cost"', ': 0.5}}\n\ndata: [DONE]\n\n')).toBe(
    500_000_000,
  );
  expect(costOf(`{"text":"${'x'.repeat(100_000)}","usage":{"cost":1}}`)).toBe(1_000_000_000);
});

it('takes the last usage, and nothing that is none', () => {
  expect(costOf('{"usage":{"cost":1}}\n{"usage":{"cost":2}}')).toBe(2_000_000_000);
  expect(costOf('{"usage":{"prompt_tokens":3}}')).toBe(null);
  expect(costOf('{"note":"the \\"cost\\" is 3"}')).toBe(null);
  expect(costOf('{"usage":{"cost":"much"}}')).toBe(null);
  expect(costOf('{"usage":{"cost":1,')).toBe(null);
  expect(costOf('{"usage":{"cost":1', `${' '.repeat(5000)}`)).toBe(null);
  expect(costOf()).toBe(null);
});

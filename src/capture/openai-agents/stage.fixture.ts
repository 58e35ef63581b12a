import * as sdk from '@openai/agents';
import OpenAI from 'openai';
import { z } from 'zod';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { FoldedRun } from '../../core/import/fold.ts';
import type { StepView } from '../../core/model/step.ts';
import { recordHttp } from '../../../test/playback/loopback.ts';
import type { Recording } from '../../../test/playback/recording.ts';
import { installAgents, tachographProcessor } from './index.ts';
import type { ResponsesServer } from './responses-server.fixture.ts';
import { createResponsesServer } from './responses-server.fixture.ts';

/** The ways in which the SDK is recorded. */
export type Way = 'everything' | 'processor' | 'hook';

/** What a test file about the Agents SDK works with. */
export interface AgentsStage {
  readonly server: ResponsesServer;
  /** Records what this process does with the SDK, and its HTTP, until the test is over. */
  record(way?: Way): Recording;
}

/** A stage for the top of a test file, with a scripted provider. */
export function createAgentsStage(): AgentsStage {
  let server: ResponsesServer;
  const undo: (() => void)[] = [];
  beforeAll(async () => {
    server = await createResponsesServer();
    const client = new OpenAI({ apiKey: 'sk-hidden-key-000000', baseURL: server.baseURL });
    sdk.setDefaultOpenAIClient(client as never);
  });
  afterAll(() => server.close());
  afterEach(() => {
    for (const one of undo.splice(0)) one();
  });
  return {
    get server() {
      return server;
    },
    record(way = 'everything') {
      const { recording, stop } = recordHttp();
      const { recorder, complaints } = recording;
      const onError = (error: unknown): void => void (complaints as unknown[]).push(error);
      undo.push(stop);
      if (way === 'everything') undo.push(installAgents(recorder, { sdk, onError }));
      else {
        sdk.setTracingDisabled(false);
        sdk.setTraceProcessors(way === 'processor' ? [tachographProcessor(recorder, { onError })] : []);
        if (way === 'hook') undo.push(installAgents(recorder, { onError }));
        undo.push(() => sdk.setTraceProcessors([]));
      }
      return recording;
    },
  };
}

/** A tool that adds two numbers. */
export const add = sdk.tool({
  name: 'add',
  description: 'Adds two numbers',
  parameters: z.object({ a: z.number(), b: z.number() }),
  execute: ({ a, b }) => a + b,
});

/** Steps by what they are and are called, indented below their parents, in the order in which they began. */
export function toTree({ steps }: FoldedRun): readonly string[] {
  const depthOf = (step: StepView): number => {
    const parent = steps.find(({ id }) => id === step.parentStepId);
    return parent === undefined ? 0 : depthOf(parent) + 1;
  };
  return steps.map((step) => `${'  '.repeat(depthOf(step))}${step.kind} ${step.name ?? step.operation} ${step.status}`);
}

/** The run of an agent. */
export function runOf(recording: Recording, agentId: string): FoldedRun {
  const found = recording.runs().filter(({ run }) => run.agentId === agentId);
  if (found.length !== 1) throw new Error(`${found.length} runs of ${agentId}`);
  return found[0]!;
}

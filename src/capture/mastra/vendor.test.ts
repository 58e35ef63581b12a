import type {
  AnyExportedSpan,
  ObservabilityExporter,
  ObservabilityInstanceConfig,
  SpanOutputProcessor,
  TracingEvent,
} from '@mastra/core/observability';
import { SpanType } from '@mastra/core/observability';
import { expect, expectTypeOf, test } from 'vitest';
import type { MastraConfig, MastraEvent, MastraExporter, MastraSpan, MastraSpanProcessor } from './index.ts';

test('the shapes of this capture are those of the packages', () => {
  expectTypeOf<MastraExporter>().toExtend<ObservabilityExporter>();
  expectTypeOf<MastraSpanProcessor>().toExtend<SpanOutputProcessor>();
  expectTypeOf<MastraConfig>().toExtend<Omit<ObservabilityInstanceConfig, 'name'>>();
  expectTypeOf<TracingEvent>().toExtend<MastraEvent>();
  expectTypeOf<AnyExportedSpan>().toExtend<MastraSpan>();
});

/** What each kind of span is in the record. A kind that Mastra gains breaks this test until it is given a place. */
const places: Readonly<Record<string, string>> = {
  agent_run: 'run',
  workflow_run: 'run',
  model_generation: 'nothing of its own',
  model_step: 'the call’s step, told by its tracker',
  model_inference: 'the call’s step, told by its tracker',
  model_chunk: 'the call’s answer',
  tool_call: 'tool',
  mcp_tool_call: 'tool',
  provider_tool_call: 'tool, observed after',
  client_tool_call: 'tool that ran elsewhere',
  rag_embedding: 'model step',
  agent_signal: 'log, as every point in time',
  ...Object.fromEntries(
    [
      ...['scorer_run', 'scorer_step', 'classifier_evaluation', 'generic', 'mcp_server_request', 'processor_run'],
      ...['workflow_step', 'workflow_conditional', 'workflow_conditional_eval', 'workflow_parallel', 'workflow_loop'],
      ...['workflow_sleep', 'workflow_wait_event', 'memory_operation', 'workspace_action', 'rag_ingestion'],
      ...['rag_vector_operation', 'rag_action', 'graph_action', 'mapping', 'skill_resolution', 'skill_action'],
    ].map((type) => [type, 'phase']),
  ),
};

test('every kind of span has its place', () => {
  expect(Object.values(SpanType).toSorted()).toEqual(Object.keys(places).toSorted());
});

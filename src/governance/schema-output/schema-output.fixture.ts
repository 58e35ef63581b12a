import type { Recording } from '../../../test/playback/recording.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import type { RunRecorder } from '../../core/record/recording.ts';
import type { ModelAnswer, ModelRequest } from './model-call.ts';

/** A model that gives these answers one after the other, the last one again and again, and remembers what it was asked. */
export interface ScriptedModel {
  readonly call: (request: ModelRequest) => Promise<ModelAnswer>;
  readonly asked: readonly ModelRequest[];
}

/** A scripted model; a text alone is an answer that tells nothing else. */
export function createModel(...answers: readonly (string | ModelAnswer)[]): ScriptedModel {
  const asked: ModelRequest[] = [];
  return {
    asked,
    call: async (request) => {
      asked.push(request);
      const answer = answers[Math.min(asked.length, answers.length) - 1]!;
      return typeof answer === 'string' ? { text: answer } : answer;
    },
  };
}

/** A run under way, and its record. */
export function createRun(): { readonly run: RunRecorder; readonly recording: Recording } {
  const recording = createRecording();
  return { run: recording.recorder.startRun({ agentId: 'reader' }), recording };
}

/** What the record says became of each answer. */
export function verdictsOf(recording: Recording): readonly Record<string, unknown>[] {
  return recording.journal.entries.flatMap(({ event }) => {
    if (event.header.type !== 'log') return [];
    const { type, data } = JSON.parse(event.payload ?? '{}') as { type: string; data: Record<string, unknown> };
    return type === 'schema-try' ? [{ ...data, stepId: event.header.stepId }] : [];
  });
}

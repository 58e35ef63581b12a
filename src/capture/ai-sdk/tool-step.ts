import type { StepRecorder, ToolRecorder } from '../../core/record/recording.ts';
import { isAbort } from '../../core/record/failure.ts';
import type { Call } from './call.ts';
import { toFailure } from './map/failure.ts';
import type { ToolEvent } from './sdk-events.ts';
import { toFields, toText } from './sdk-events.ts';

/** Tool calls under way, by the SDK's ids of call and tool call. */
export interface ToolBook {
  /** Begins a tool step; one that is known is given back. `null` when the event does not say which tool. */
  begin(call: Call, event: ToolEvent): ToolRecorder | null;
  find(callId: string | undefined, toolCallId: unknown): ToolRecorder | null;
  end(event: ToolEvent): void;
}

/** Tool call ids by the step that records them, for the layer below, which finds the step in its scope. */
const callIdByStep = new Map<string, unknown>();

/** True when this step records this very tool call, and has not ended. */
export function isToolUnderWay(step: StepRecorder | null, toolCallId: unknown): boolean {
  return step?.kind === 'tool' && callIdByStep.get(step.id) === toolCallId;
}

interface OpenTool {
  readonly tool: ToolRecorder;
  readonly call: Call;
}

/** Tools whose end is never told are forgotten past this many; their steps end with their run. */
const toolsMax = 10_000;

function finishTool({ tool, call }: OpenTool, event: ToolEvent): void {
  const { withheld } = call;
  const output = toFields(event.toolOutput) ?? {};
  const duration = typeof event.toolExecutionMs === 'number' ? { durationMs: event.toolExecutionMs } : {};
  const words = withheld.outputs ? { outputsWithheld: true } : {};
  if (output['type'] === 'tool-error') {
    const status = isAbort(output['error']) ? 'interrupted' : 'error';
    const error = toFailure(output['error'], withheld.inputs || withheld.outputs);
    tool.finish({ status, resultStatus: 'error', error, ...duration, ...words });
  } else {
    const result = withheld.outputs ? words : { result: output['output'] ?? null };
    tool.finish({ status: 'completed', resultStatus: 'success', ...result, ...duration });
  }
}

/** An empty book of tools. */
export function createToolBook(): ToolBook {
  const openByKey = new Map<string, OpenTool>();
  const keyOf = (callId: string | undefined, toolCallId: unknown): string => `${callId ?? ''}/${String(toolCallId)}`;
  return {
    begin(call, event) {
      const asked = toFields(event.toolCall);
      if (asked === null) return null;
      const key = keyOf(event.callId, asked['toolCallId']);
      const known = openByKey.get(key);
      if (known !== undefined) return known.tool;
      const tool = call.beginTool({
        name: toText(asked['toolName']) ?? '',
        callId: String(asked['toolCallId']),
        args: asked['input'] ?? null,
      });
      if (openByKey.size >= toolsMax) openByKey.delete(openByKey.keys().next().value!);
      openByKey.set(key, { tool, call });
      if (callIdByStep.size >= toolsMax) callIdByStep.delete(callIdByStep.keys().next().value!);
      callIdByStep.set(tool.id, asked['toolCallId']);
      return tool;
    },
    find: (callId, toolCallId) => openByKey.get(keyOf(callId, toolCallId))?.tool ?? null,
    end(event) {
      const key = keyOf(event.callId, toFields(event.toolCall)?.['toolCallId']);
      const open = openByKey.get(key);
      if (open === undefined) return;
      openByKey.delete(key);
      callIdByStep.delete(open.tool.id);
      finishTool(open, event);
    },
  };
}

/** Which model step asked for a tool call: a tool step hangs on it. */
export interface ToolOrigins {
  /** A model step of a run asked for these tool calls. */
  note(runId: string, stepId: string, callIds: readonly string[]): void;
  find(runId: string, callId: unknown): string | undefined;
}

/** Tool calls that nobody makes are forgotten past this many. */
const callsMax = 10_000;

/** An empty memory. */
export function createToolOrigins(): ToolOrigins {
  const stepByCall = new Map<string, string>();
  return {
    note(runId, stepId, callIds) {
      for (const callId of callIds) {
        stepByCall.set(`${runId}/${callId}`, stepId);
        if (stepByCall.size > callsMax) stepByCall.delete(stepByCall.keys().next().value!);
      }
    },
    find: (runId, callId) => (typeof callId === 'string' ? stepByCall.get(`${runId}/${callId}`) : undefined),
  };
}

import { TachographError } from '../../core/error.ts';
import type { RegisteredTool } from '../../core/work/agent.ts';
import type { CallVerdict } from '../../core/work/shadow/interception.ts';
import { interceptCall } from '../../core/work/shadow/interception.ts';
import type { RecordedResults } from '../../core/work/shadow/recorded-results.ts';
import { noRecordedResults } from '../../core/work/shadow/recorded-results.ts';
import type { RunMode } from '../../core/work/shadow/run-mode.ts';
import type { ToolHints } from '../../core/work/shadow/tool-class.ts';

/** What the tool calls of one run are judged by. */
export interface ToolDeskParts {
  readonly mode: RunMode;
  /** As the agent registers them. A tool that is not among them is called too, and judged by its hints and its name. */
  readonly tools: readonly RegisteredTool[];
  /** What this worker calls its environment, such as `staging`; nothing when left out. */
  readonly environment?: string | null;
  /** Results to answer with in place of a marked stub. */
  readonly recorded?: RecordedResults;
  /** Whether the hints of a tool may be taken at their word; of none unless said. */
  readonly isTrusted?: (name: string) => boolean;
}

/** Where every tool call of a run is decided on before it is made. It makes none itself, and records nothing. */
export interface ToolDesk {
  readonly mode: RunMode;
  decide(name: string, args: unknown, hints?: ToolHints | null): CallVerdict;
  /** The same of a call that would send words to somebody outside: in shadow none leaves. */
  decideMessage(name: string, message: unknown): CallVerdict;
}

function byName(tools: readonly RegisteredTool[]): ReadonlyMap<string, RegisteredTool> {
  const toolByName = new Map(tools.map((tool) => [tool.name, tool]));
  if (toolByName.size === tools.length) return toolByName;
  const twice = tools.find((tool) => toolByName.get(tool.name) !== tool)!;
  throw new TachographError(
    'bad-argument',
    `The agent registers the tool ${JSON.stringify(twice.name.slice(0, 200))} twice; give each tool one name.`,
  );
}

/** The desk of one run. `bad-argument` when two tools have one name. */
export function createToolDesk(parts: ToolDeskParts): ToolDesk {
  const { mode, environment = null, recorded = noRecordedResults, isTrusted = () => false } = parts;
  const toolByName = byName(parts.tools);
  const surroundingsOf = (name: string): Parameters<typeof interceptCall>[1] => ({
    mode,
    tool: toolByName.get(name) ?? null,
    environment,
    recorded,
  });
  return {
    mode,
    decide: (name, args, hints = null) =>
      interceptCall({ name, args, hints, isTrusted: hints !== null && isTrusted(name) }, surroundingsOf(name)),
    decideMessage: (name, message) =>
      interceptCall({ name, args: message, hints: null, isTrusted: false, isMessage: true }, surroundingsOf(name)),
  };
}

import type { ToolHints } from '../../core/work/shadow/tool-class.ts';
import type { GuardContext } from './guarded-call.ts';
import { guardCall } from './guarded-call.ts';

/** How tools are guarded. */
export interface GuardToolsContext extends GuardContext {
  /** What a tool says of itself; its `annotations`, as the Model Context Protocol has them, unless said. */
  readonly hintsOf?: (name: string, tool: Readonly<Record<string, unknown>>) => ToolHints | null;
}

type Fields = Readonly<Record<string, unknown>>;
type Method = (this: unknown, ...given: unknown[]) => unknown;

const toFields = (value: unknown): Fields | null =>
  typeof value === 'object' && value !== null ? (value as Fields) : null;

/** The hints that a tool carries as `annotations`. What is no yes or no was not said. */
export function toolToHints(tool: Fields): ToolHints | null {
  const given = toFields(tool['annotations']);
  if (given === null) return null;
  const flag = (key: string): boolean | null => (typeof given[key] === 'boolean' ? given[key] : null);
  return {
    readOnlyHint: flag('readOnlyHint'),
    destructiveHint: flag('destructiveHint'),
    idempotentHint: flag('idempotentHint'),
  };
}

/** A tool that its provider runs, out of everyone else's reach. */
function isProvidersOwn(tool: Fields): boolean {
  return tool['execute'] === undefined && (tool['type'] === 'provider' || tool['type'] === 'provider-defined');
}

/** The tool with some of its methods in place of its own; it stays what it is in everything else. */
function withMethods(tool: Fields, methodByName: Readonly<Record<string, Method>>): Fields {
  const own = Object.getOwnPropertyDescriptors(tool);
  const methods = Object.entries(methodByName).map(([name, value]) => [
    name,
    { value, enumerable: true, configurable: true, writable: true },
  ]);
  return Object.create(Object.getPrototypeOf(tool) as object, {
    ...own,
    ...(Object.fromEntries(methods) as PropertyDescriptorMap),
  }) as Fields;
}

function guardTool(name: string, tool: Fields, context: GuardToolsContext): Fields {
  const { desk, hintsOf = (_name, of) => toolToHints(of) } = context;
  const execute = tool['execute'] as Method;
  const toModelOutput = tool['toModelOutput'];
  const hints = hintsOf(name, tool);
  /** Stand-ins given to the SDK: the tool's own code that would read them knows nothing of them. */
  const standIns = new WeakSet<object>();
  const guarded: Record<string, Method> = {
    execute(args, options) {
      const callId = toFields(options)?.['toolCallId'];
      let hasRun = false;
      const result = guardCall(
        context,
        { name, args, hints, callId: typeof callId === 'string' ? callId : null },
        () => ((hasRun = true), execute.call(tool, args, options)),
      );
      if (!hasRun && desk.mode === 'shadow' && toFields(result) !== null) standIns.add(result as object);
      return result;
    },
  };
  if (typeof toModelOutput === 'function')
    guarded['toModelOutput'] = (given) => {
      const output = toFields(given)?.['output'] ?? given;
      const isStandIn = toFields(output) !== null && standIns.has(output as object);
      return isStandIn ? { type: 'json', value: output } : (toModelOutput as Method).call(tool, given);
    };
  return withMethods(tool, guarded);
}

/**
 * The tools of an AI SDK agent, guarded: each `execute` goes past the desk, and the tools given are not changed. A tool that
 * its provider runs cannot be intercepted, so one that is not known to only read is left out of a run that must not run it.
 * Tools without `execute` come back as they are; whoever runs them asks the desk.
 */
export function guardTools<T extends Readonly<Record<string, unknown>>>(tools: T, context: GuardToolsContext): T {
  const { desk, hintsOf = (_name, of) => toolToHints(of) } = context;
  const entries = Object.entries(tools).flatMap(([name, value]) => {
    const tool = toFields(value);
    if (tool === null) return [[name, value] as const];
    if (typeof tool['execute'] === 'function') return [[name, guardTool(name, tool, context)] as const];
    const isKept = !isProvidersOwn(tool) || desk.decide(name, null, hintsOf(name, tool)).action === 'run';
    return isKept ? [[name, value] as const] : [];
  });
  return Object.fromEntries(entries) as T;
}

/** A plain function as a tool, answering with a promise: one argument is recorded as it is, several as a list. */
export function guardFunction<A extends unknown[], R>(
  name: string,
  fn: (...args: A) => R,
  context: GuardContext & { readonly hints?: ToolHints | null; readonly isMessage?: boolean },
): (...args: A) => Promise<Awaited<R>> {
  const { hints = null, isMessage = false } = context;
  return async (...args): Promise<Awaited<R>> => {
    const call = { name, args: args.length === 1 ? args[0] : args, hints, isMessage };
    return (await guardCall(context, call, () => fn(...args))) as Awaited<R>;
  };
}

import type { Fields } from './fields.ts';
import { toFieldsList, toText } from './fields.ts';
import type { PartList } from './part-list.ts';

function addMessage(parts: PartList, item: Fields, key: string): void {
  for (const piece of toFieldsList(item['content'])) {
    parts.text(toText(piece['text']) ?? toText(piece['refusal']) ?? '', key);
    for (const note of toFieldsList(piece['annotations'])) {
      const title = note['title'] ?? note['filename'] ?? null;
      parts.put({
        type: 'source',
        sourceType: toText(note['type']) ?? 'url_citation',
        url: note['url'] ?? null,
        title,
      });
    }
  }
}

function addReasoning(parts: PartList, item: Fields, key: string): void {
  const said = toFieldsList(item['content']);
  const pieces = said.length > 0 ? said : toFieldsList(item['summary']);
  parts.reasoning(pieces.map((piece) => toText(piece['text']) ?? '').join('\n'), key);
}

/** Calls that the caller answers; all others the provider runs itself. */
const callerTypes = new Set([
  'function_call',
  'custom_tool_call',
  'local_shell_call',
  'shell_call',
  'apply_patch_call',
  'computer_call',
  'tool_search_call',
]);

/** What a call carries besides its names: what the provider fills in when it ran it is its result. */
const resultKeys = ['output', 'outputs', 'result', 'results', 'error'];
const nameKeys = new Set(['type', 'id', 'call_id', 'status', 'name', 'arguments', 'input', ...resultKeys]);

function addCall(parts: PartList, item: Fields, key: string): void {
  const type = toText(item['type']) ?? '';
  const id = toText(item['call_id']) ?? toText(item['id']);
  const isProviders = !callerTypes.has(type) || item['execution'] === 'server';
  const rest = Object.fromEntries(Object.entries(item).filter(([name]) => !nameKeys.has(name)));
  const input = item['arguments'] ?? item['input'] ?? rest;
  parts.tool(`item:${key}`, { id, name: toText(item['name']) ?? type.replace(/_call$/, ''), input, isProviders });
  const results = resultKeys.filter((name) => item[name] !== undefined && item[name] !== null);
  if (!isProviders || results.length === 0) return;
  const result =
    results.length === 1 ? item[results[0]!] : Object.fromEntries(results.map((name) => [name, item[name]]));
  const isError = item['error'] !== undefined && item['error'] !== null;
  parts.put({
    type: 'tool-result',
    toolCallId: id,
    toolName: toText(item['name']) ?? type,
    result,
    providerExecuted: true,
    ...(isError ? { isError } : {}),
  });
}

/** Adds one output item of the responses API. What it does not know is kept as it is. */
export function addItem(parts: PartList, item: Fields, key: string): void {
  const type = toText(item['type']) ?? '';
  if (type === 'message') addMessage(parts, item, key);
  else if (type === 'reasoning') addReasoning(parts, item, key);
  else if (type.endsWith('_call')) addCall(parts, item, key);
  else if (type.endsWith('_output')) {
    parts.put({
      type: 'tool-result',
      toolCallId: item['call_id'] ?? null,
      toolName: type.replace(/_call_output$|_output$/, ''),
      result: item['output'] ?? item,
      providerExecuted: true,
    });
  } else parts.put(item);
}

import { existsSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** Where the recorded provider answers lie; they are no part of this project. */
export const corpusFolder = join(import.meta.dirname, '../../../shared/corpus/provider-responses');

/** False where the corpus is absent: tests over it are then skipped, and say so. */
export const hasCorpus = existsSync(corpusFolder);

/** Answers to model calls, by the wire format they are in. */
export const answersByWire = {
  'openai-chat': ['openai/chat/azure-model-router.1.chunks.txt'],
  'openai-completion': ['openai/completion/openai-completion-text.json'],
  'openai-responses': [
    'open-responses/responses/lmstudio-tool-call.1.chunks.txt',
    'open-responses/responses/lmstudio-tool-call.1.json',
    'open-responses/responses/lmstudio-tool-call.2.chunks.txt',
    'open-responses/responses/openai-pdf-input-file.1.chunks.txt',
    'openai/responses/openai-apply-patch-tool.1.chunks.txt',
    'openai/responses/openai-client-tool-search.1.chunks.txt',
    'openai/responses/openai-client-tool-search.1.json',
    'openai/responses/openai-code-interpreter-tool.1.chunks.txt',
    'openai/responses/openai-compaction.1.json',
    'openai/responses/openai-custom-tool.1.json',
    'openai/responses/openai-file-search-tool.1.chunks.txt',
    'openai/responses/openai-file-search-tool.2.json',
    'openai/responses/openai-image-generation-tool.1.chunks.txt',
    'openai/responses/openai-image-generation-tool.1.json',
    'openai/responses/openai-local-shell-tool.1.chunks.txt',
    'openai/responses/openai-mcp-tool-approval.1.chunks.txt',
    'openai/responses/openai-mcp-tool-approval.2.json',
    'openai/responses/openai-mcp-tool-approval.3.chunks.txt',
    'openai/responses/openai-mcp-tool-approval.3.json',
    'openai/responses/openai-mcp-tool-approval.4.json',
    'openai/responses/openai-mcp-tool.1.chunks.txt',
    'openai/responses/openai-mcp-tool.1.json',
    'openai/responses/openai-shell-container-multiturn.1.chunks.txt',
    'openai/responses/openai-shell-container-multiturn.1.json',
    'openai/responses/openai-shell-container.1.json',
    'openai/responses/openai-shell-skills.1.chunks.txt',
    'openai/responses/openai-shell-tool.1.chunks.txt',
    'openai/responses/openai-tool-search.1.chunks.txt',
    'openai/responses/openai-web-search-tool.1.chunks.txt',
    'openai/responses/parallel-tool-call-wrapper.1.chunks.txt',
    'openai/responses/programmatic-tool-calling.2.chunks.txt',
    'openai/responses/programmatic-tool-calling.3.chunks.txt',
    'xai/responses/xai-code-execution-tool.1.json',
    'xai/responses/xai-image-generation-tool.1.json',
    'xai/responses/xai-text-streaming.1.chunks.txt',
    'xai/responses/xai-text-with-reasoning-streaming-store-false.1.chunks.txt',
    'xai/responses/xai-web-search-tool.1.chunks.txt',
    'xai/responses/xai-web-search-tool.1.json',
    'xai/responses/xai-x-search-tool.chunks.txt',
  ],
  anthropic: [
    'anthropic/anthropic-advisor-20250301.1.chunks.txt',
    'anthropic/anthropic-advisor-20260301.1.json',
    'anthropic/anthropic-advisor-stop-reasons.chunks.txt',
    'anthropic/anthropic-advisor-stop-reasons.json',
    'anthropic/anthropic-clear-thinking.1.chunks.txt',
    'anthropic/anthropic-clear-tool-uses.1.chunks.txt',
    'anthropic/anthropic-code-execution-20250825.1.chunks.txt',
    'anthropic/anthropic-code-execution-20250825.2.chunks.txt',
    'anthropic/anthropic-code-execution-20250825.2.json',
    'anthropic/anthropic-code-execution-20250825.pptx-skill.chunks.txt',
    'anthropic/anthropic-code-execution-20250825.pptx-skill.json',
    'anthropic/anthropic-combined-context-editing.1.chunks.txt',
    'anthropic/anthropic-combined-context-editing.1.json',
    'anthropic/anthropic-compaction.1.chunks.txt',
    'anthropic/anthropic-fallback.chunks.txt',
    'anthropic/anthropic-json-other-tool.1.chunks.txt',
    'anthropic/anthropic-json-other-tool.1.json',
    'anthropic/anthropic-json-output-format.1.chunks.txt',
    'anthropic/anthropic-json-output-format.1.json',
    'anthropic/anthropic-json-tool.1.chunks.txt',
    'anthropic/anthropic-json-tool.1.json',
    'anthropic/anthropic-mcp.1.chunks.txt',
    'anthropic/anthropic-mcp.1.json',
    'anthropic/anthropic-memory-20250818.1.json',
    'anthropic/anthropic-message-delta-input-tokens.chunks.txt',
    'anthropic/anthropic-programmatic-tool-calling.1.chunks.txt',
    'anthropic/anthropic-refusal-no-details.json',
    'anthropic/anthropic-refusal.chunks.txt',
    'anthropic/anthropic-text.json',
    'anthropic/anthropic-tool-no-args.json',
    'anthropic/anthropic-tool-search-deferred-bm25.2.json',
    'anthropic/anthropic-tool-search-deferred-bm25.chunks.txt',
    'anthropic/anthropic-tool-search-deferred-regex.2.json',
    'anthropic/anthropic-tool-search-deferred-regex.chunks.txt',
    'anthropic/anthropic-web-fetch-tool.1.chunks.txt',
    'anthropic/anthropic-web-search-tool.1.chunks.txt',
    'anthropic/anthropic-web-search-tool.1.json',
  ],
  google: [
    'google/google-reasoning.chunks.txt',
    'google/google-stream-no-args-tool-call.chunks.txt',
    'google/google-stream-tool-call-arguments.chunks.txt',
    'google/google-stream-tool-call-array-arguments-missing-terminal-function-call.chunks.txt',
    'google/google-text.chunks.txt',
    'google/google-text.json',
    'google/google-tool-call.json',
  ],
  'google-interactions': [
    'google/interactions/basic.chunks.txt',
    'google/interactions/google-search.json',
    'google/interactions/multi-turn-stateful-turn1.json',
    'google/interactions/multi-turn-stateful-turn2.chunks.txt',
    'google/interactions/multi-turn-stateless-turn1.json',
    'google/interactions/structured-output.json',
    'google/interactions/tool-call-step1.chunks.txt',
    'google/interactions/tool-call-step1.json',
  ],
  compatible: [
    'deepseek/chat/deepseek-reasoning.chunks.txt',
    'deepseek/chat/deepseek-tool-call.chunks.txt',
    'deepseek/chat/deepseek-tool-call.json',
    'groq/groq-reasoning.json',
    'groq/groq-text.chunks.txt',
    'groq/groq-text.json',
    'groq/groq-tool-call.chunks.txt',
    'groq/groq-tool-call.json',
    'mistral/mistral-reasoning.chunks.txt',
    'mistral/mistral-reasoning.json',
    'mistral/mistral-text.chunks.txt',
    'mistral/mistral-tool-call.chunks.txt',
    'mistral/mistral-tool-call.json',
    'openai-compatible/chat/xai-text.chunks.txt',
    'openai-compatible/chat/xai-tool-call.json',
    'xai/xai-text.chunks.txt',
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** A wire format of model answers. */
export type Wire = keyof typeof answersByWire;

/** Files that are not the answer to a language model call, with what they are. */
export const otherFiles: Readonly<
  Record<string, 'error' | 'embedding' | 'transcription' | 'image' | 'file-upload' | 'realtime'>
> = {
  'openai/chat/reasoning-model-legacy-parameter-error.json': 'error',
  'openai/embedding/openai-embedding.json': 'embedding',
  'openai/transcription/openai-transcription.json': 'transcription',
  'groq/groq-transcription-text.json': 'transcription',
  'mistral/mistral-transcription.json': 'transcription',
  'openai/image/openai-image.json': 'image',
  'openai/speech-translation/openai-realtime-speech-translation.chunks.txt': 'realtime',
  'anthropic/skills/anthropic-skill-version-create.json': 'file-upload',
};

/** Answers that their client cannot digest, with the versions in the lock file: to its caller they are failures. */
export const undigested: readonly string[] = [
  'anthropic/anthropic-tool-search-deferred-bm25.2.json',
  'anthropic/anthropic-tool-search-deferred-regex.2.json',
  'openai/responses/parallel-tool-call-wrapper.1.chunks.txt',
  'xai/responses/xai-code-execution-tool.1.json',
  'xai/responses/xai-web-search-tool.1.chunks.txt',
  'xai/responses/xai-web-search-tool.1.json',
  'xai/responses/xai-x-search-tool.chunks.txt',
];

/** Every file of the corpus, relative to its folder, with forward slashes. */
export function listCorpus(): readonly string[] {
  const entries = readdirSync(corpusFolder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(corpusFolder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .toSorted();
}

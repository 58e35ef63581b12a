/** One file that the build makes of one source. */
export interface Entry {
  /** The path it is imported by, or null when it is only run. */
  readonly name: string | null;
  readonly source: string;
  /** Its file in dist, without the ending. */
  readonly output: string;
}

/** What the package offers. package.json's exports map says the same, and a test compares them. */
export const entries: readonly Entry[] = [
  { name: 'tachograph', source: 'src/index.ts', output: 'index' },
  { name: 'tachograph/register', source: 'src/cli/register.ts', output: 'register' },
  { name: 'tachograph/testing', source: 'src/testing/index.ts', output: 'testing' },
  { name: 'tachograph/ai-sdk', source: 'src/capture/ai-sdk/index.ts', output: 'ai-sdk' },
  { name: 'tachograph/fetch', source: 'src/capture/fetch/index.ts', output: 'fetch' },
  { name: 'tachograph/openai', source: 'src/capture/openai/index.ts', output: 'openai' },
  { name: 'tachograph/anthropic', source: 'src/capture/anthropic/index.ts', output: 'anthropic' },
  { name: 'tachograph/openai-agents', source: 'src/capture/openai-agents/index.ts', output: 'openai-agents' },
  { name: 'tachograph/langchain', source: 'src/capture/langchain/index.ts', output: 'langchain' },
  { name: 'tachograph/mastra', source: 'src/capture/mastra/index.ts', output: 'mastra' },
  { name: 'tachograph/mcp', source: 'src/capture/mcp/index.ts', output: 'mcp' },
  { name: 'tachograph/claude-agent', source: 'src/capture/claude-agent/index.ts', output: 'claude-agent' },
  { name: 'tachograph/moa', source: 'src/capture/moa/index.ts', output: 'moa' },
  { name: 'tachograph/schema-output', source: 'src/governance/schema-output/index.ts', output: 'schema-output' },
  { name: 'tachograph/sqlite', source: 'src/stores/sqlite/index.ts', output: 'sqlite' },
  { name: 'tachograph/postgres', source: 'src/stores/postgres/index.ts', output: 'postgres' },
  { name: 'tachograph/memory', source: 'src/stores/memory/index.ts', output: 'memory' },
  { name: 'tachograph/journal', source: 'src/journal/index.ts', output: 'journal' },
  { name: 'tachograph/server', source: 'src/server/index.ts', output: 'server' },
  { name: 'tachograph/work', source: 'src/cli/work/open-work.ts', output: 'work' },
  { name: 'tachograph/shadow', source: 'src/runtime/shadow/index.ts', output: 'shadow' },
  { name: 'tachograph/replay', source: 'src/replay/index.ts', output: 'replay' },
  { name: null, source: 'src/cli/main.ts', output: 'cli/main' },
  { name: null, source: 'src/cli/sample/agent.ts', output: 'sample-agent' },
  { name: null, source: 'src/governance/schema-output/checking/thread-program.ts', output: 'schema-thread' },
];

/** The exports map that package.json must hold. */
export function toExports(): Record<string, string | { types: string; default: string }> {
  const map = Object.fromEntries(
    entries.flatMap((entry) =>
      entry.name === null
        ? []
        : [[entry.name.replace('tachograph', '.'), { types: typesOf(entry), default: `./dist/${entry.output}.js` }]],
    ),
  );
  return { ...map, './package.json': './package.json' };
}

/** The declaration file of an entry, as a path from the package's root. */
export function typesOf(entry: Entry): string {
  return `./dist/types/${entry.source.slice('src/'.length).replace(/\.ts$/, '.d.ts')}`;
}

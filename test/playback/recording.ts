import type { Content } from '../../src/core/content/content.ts';
import type { ContextNode } from '../../src/core/content/context.ts';
import { rootNodeId } from '../../src/core/content/context.ts';
import type { FoldedRun } from '../../src/core/import/fold.ts';
import { foldEvents } from '../../src/core/import/fold.ts';
import type { StepView } from '../../src/core/model/step.ts';
import type { Recorder } from '../../src/core/record/recording.ts';
import { createRecorder } from '../../src/core/record/recorder.ts';
import type { StoredEvent } from '../../src/core/store.ts';
import type { MemoryJournal } from '../../src/core/memory-journal.ts';
import { createMemoryJournal } from '../../src/core/memory-journal.ts';

/** A recorder on a journal in memory, and its record as views. */
export interface Recording {
  readonly recorder: Recorder;
  readonly journal: MemoryJournal;
  /** What the recorder complained of. */
  readonly complaints: readonly unknown[];
  /** Every run recorded so far, oldest first. */
  runs(): readonly FoldedRun[];
  /** The only run; fails when there is another number of them. */
  run(): FoldedRun;
  /** Parsed JSON of a content; `undefined` for a null id. */
  content(id: string | null): unknown;
  /** The messages of a step's context, parsed. */
  messages(step: StepView): readonly unknown[];
  /** The tools of a step, parsed. */
  tools(step: StepView): readonly unknown[];
  /** Contents as they went into the journal, in order. */
  contents(): readonly Content[];
  /** Everything in the journal as text, to look for words that must not be there. */
  everything(): string;
}

function readContents(journal: MemoryJournal): Map<string, Content> {
  return new Map(journal.entries.flatMap((entry) => entry.contents.map((content) => [content.id, content] as const)));
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

/** A recording that has just begun. */
export function createRecording(): Recording {
  const journal = createMemoryJournal();
  const complaints: unknown[] = [];
  const recorder = createRecorder({
    journal,
    contentKey: new Uint8Array(32).fill(7),
    onError: (error) => void complaints.push(error),
  });

  const runs = (): readonly FoldedRun[] => {
    const contentById = readContents(journal);
    const byRun = new Map<string, StoredEvent[]>();
    for (const { event } of journal.entries) {
      const events = byRun.get(event.header.runId) ?? [];
      byRun.set(event.header.runId, events);
      events.push({ ...event, seq: events.length + 1 });
    }
    return [...byRun.values()].map((events) => foldEvents('default', events, contentById));
  };
  const content = (id: string | null): unknown => {
    if (id === null) return undefined;
    const found = readContents(journal).get(id);
    return found === undefined ? undefined : (JSON.parse(textOf(found.bytes)) as unknown);
  };
  const context = (nodeId: string | null): readonly unknown[] => {
    const nodeById = new Map<string, ContextNode>(
      journal.entries.flatMap((entry) => entry.nodes.map((node) => [node.id, node] as const)),
    );
    const list: unknown[] = [];
    for (let id = nodeId ?? rootNodeId; id !== rootNodeId;) {
      const node = nodeById.get(id)!;
      list.unshift(content(node.contentId));
      id = node.parentId;
    }
    return list;
  };

  return {
    recorder,
    journal,
    complaints,
    runs,
    run() {
      const all = runs();
      if (all.length !== 1) throw new Error(`expected one run, the journal has ${all.length}`);
      return all[0]!;
    },
    content,
    messages: (step) => context(step.contextNodeId),
    tools: (step) => context(step.toolsNodeId),
    contents: () => journal.entries.flatMap((entry) => entry.contents),
    everything: () =>
      journal.entries
        .map((entry) => `${entry.event.payload ?? ''}\n${entry.contents.map((item) => textOf(item.bytes)).join('\n')}`)
        .join('\n'),
  };
}

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readAll, withHome } from '../../../../test/journal/entries.ts';

const victim = fileURLToPath(new URL('../../../../test/playback/stream-victim.ts', import.meta.url));

/** Lets a process read from a stream that never ends, and kills it once it has said so. */
function killMidStream(home: string, streamFlushMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const stdio = ['ignore', 'pipe', 'inherit'] as const;
    const child = spawn(process.execPath, [victim, home, String(streamFlushMs)], { stdio: [...stdio] });
    child.stdout!.on('data', () => child.kill('SIGKILL'));
    child.on('error', reject);
    child.on('close', () => resolve());
  });
}

describe('after kill -9 in the middle of a stream', () => {
  const recordedWords = async (streamFlushMs: number): Promise<{ types: string[]; text: string }> => {
    let types: string[] = [];
    let text = '';
    await withHome(async (home) => {
      await killMidStream(home, streamFlushMs);
      const entries = readAll(home);
      types = entries.map(({ event }) => event.header.type);
      text = entries
        .flatMap(({ event, contents }) => [
          event.payload ?? '',
          ...contents.map(({ bytes }) => String(Buffer.from(bytes))),
        ])
        .join('\n');
    });
    return { types, text };
  };

  test('the begun step is in the record, its unflushed text is not (I2)', async () => {
    const { types, text } = await recordedWords(0);
    expect(types).toEqual(['run-create', 'step-start', 'attempt-start']);
    expect(text).toContain('tell me all');
    expect(text).not.toContain('word1 ');
  });

  test('with streamFlushMs the text is, but its last 4 KiB', async () => {
    const { types, text } = await recordedWords(20);
    expect(types).toEqual(['run-create', 'step-start', 'attempt-start', 'log']);
    expect(text).toContain('word1 word2 word3');
    expect(text).not.toContain('word999');
  });
});

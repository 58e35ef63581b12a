import { afterAll, afterEach } from 'vitest';
import { recordProcess } from './fixtures.ts';
import type { Loopback } from './loopback.ts';
import { openLoopback, recordHttp } from './loopback.ts';
import type { Recording } from './recording.ts';

/** A list for the top of a test file: what stands in it is called, and taken out, after each test. */
export function createUndoList(): (() => void)[] {
  const undo: (() => void)[] = [];
  afterEach(() => {
    for (const one of undo.splice(0)) one();
  });
  return undo;
}

/** What a test file about the SDK works with. */
export interface SdkStage {
  /** Records what the whole process does with the SDK, until the test is over. */
  record(): Recording;
  readonly undo: (() => void)[];
}

/** A stage for the top of a test file. The SDK's warnings, which are recorded, are not printed. */
export function createSdkStage(): SdkStage {
  globalThis.AI_SDK_LOG_WARNINGS = false;
  const undo = createUndoList();
  return {
    undo,
    record() {
      const { recording, stop } = recordProcess();
      undo.push(stop);
      return recording;
    },
  };
}

/** What a test file about HTTP works with. */
export interface HttpStage extends Pick<Loopback, 'origin' | 'handlers'> {
  /** Records what this process sends to loopback, through both layers or those named, until the test is over. */
  capture(layers?: readonly ('fetch' | 'channels')[]): Recording;
  readonly undo: (() => void)[];
}

/** A stage for the top of a test file, with a server of its own. */
export async function openHttpStage(): Promise<HttpStage> {
  const { origin, handlers, close } = await openLoopback();
  afterAll(close);
  const undo = createUndoList();
  return {
    origin,
    handlers,
    undo,
    capture(layers) {
      const { recording, stop } = recordHttp(layers);
      undo.push(stop);
      return recording;
    },
  };
}

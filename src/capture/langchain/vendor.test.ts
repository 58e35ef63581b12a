import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CallbackHandlerMethods } from '@langchain/core/callbacks/base';
import type { Callbacks } from '@langchain/core/callbacks/manager';
import type { BaseMessage, UsageMetadata } from '@langchain/core/messages';
import type { ChatModelStreamEvent } from '@langchain/core/language_models/event';
import type { LLMResult } from '@langchain/core/outputs';
import type { Serialized } from '@langchain/core/load/serializable';
import { describe, expect, expectTypeOf, test } from 'vitest';
import type { LangChainHandler } from './index.ts';
import type { VendorMessage, VendorResult, VendorSerialized, VendorStreamEvent, VendorUsage } from './vendor.ts';

describe('the shapes of LangChain', () => {
  test('are those of the real package', () => {
    expectTypeOf<BaseMessage>().toExtend<VendorMessage>();
    expectTypeOf<UsageMetadata>().toExtend<VendorUsage>();
    expectTypeOf<LLMResult>().toExtend<VendorResult>();
    expectTypeOf<Serialized>().toExtend<VendorSerialized>();
    expectTypeOf<ChatModelStreamEvent>().toExtend<VendorStreamEvent>();
    expectTypeOf<LangChainHandler>().toExtend<CallbackHandlerMethods>();
    expectTypeOf<LangChainHandler[]>().toExtend<Callbacks>();
  });

  test('are all that is used of it: nothing is imported', () => {
    const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' });
    const sources = files.filter((file) => file.endsWith('.ts') && !/\.(?:test|fixture)\.ts$/.test(file));
    expect(sources.length).toBeGreaterThan(8);
    for (const file of sources)
      expect(readFileSync(join(import.meta.dirname, file), 'utf8')).not.toMatch(/from '@langchain/);
  });
});

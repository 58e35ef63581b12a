import { describe, it } from 'vitest';
import { describeStore } from '../../testing/index.ts';
import { createMemoryStore } from './index.ts';

describeStore('memory', { open: createMemoryStore }, { describe, it });

import { expect, test } from 'vitest';
import { errorCodes } from '../../src/core/error.ts';
import { eventTypes } from '../../src/core/record/event.ts';

// A published code or type keeps its meaning for ever. New ones are added here and in CHANGELOG.md; none is removed.

test('error codes are pinned', () => {
  expect([...errorCodes]).toEqual([
    'bad-argument',
    'bad-filter',
    'bad-cursor',
    'run-not-found',
    'step-not-found',
    'content-not-found',
    'key-not-found',
    'project-not-found',
    'prefix-ambiguous',
    'model-missing',
    'end-conflict',
    'journal-broken',
    'journal-newer',
    'store-broken',
    'store-newer',
    'store-busy',
    'store-closed',
    'home-unusable',
    'key-broken',
    'export-foreign',
    'batch-broken',
    'batch-foreign',
    'port-taken',
    'bind-refused',
    'replay-diverged',
    'replay-not-recorded',
    'internal',
    'idempotency-conflict',
    'agent-not-found',
    'schedule-not-found',
    'work-missing',
    'memo-conflict',
    'tool-blocked',
    'E-RUN-001',
    'E-RUN-002',
    'E-RUN-003',
    'E-RUN-004',
    'E-RUN-005',
    'E-RUN-006',
    'E-RUN-007',
    'E-RUN-008',
    'E-BUDGET-001',
    'E-BUDGET-002',
    'E-BUDGET-003',
    'E-BUDGET-004',
    'E-BUDGET-005',
    'E-BUDGET-006',
    'E-SCHEMA-001',
    'E-SCHEMA-002',
    'E-TENANT-001',
  ]);
});

test('event types are pinned', () => {
  expect([...eventTypes]).toEqual([
    'run-create',
    'run-start',
    'run-state',
    'run-end',
    'step-start',
    'step-end',
    'attempt-start',
    'attempt-end',
    'log',
    'error',
    'gap',
    'guard-decision',
    'budget-entry',
    'approval-request',
    'approval-decision',
    'message-in',
    'message-out',
    'content-erase',
    'cost-actual',
  ]);
});

test('no code and no type is there twice', () => {
  expect(new Set(errorCodes).size).toBe(errorCodes.length);
  expect(new Set(eventTypes).size).toBe(eventTypes.length);
});

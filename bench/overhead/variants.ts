import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { DevToolsTelemetry } from '@ai-sdk/devtools';
import { OpenTelemetry } from '@ai-sdk/otel';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import type { Telemetry } from 'ai';
import { tachographTelemetry } from '../../src/capture/ai-sdk/index.ts';
import { openRecorder } from '../../src/journal/index.ts';

/** One way to record a call. */
export interface Variant {
  readonly name: string;
  /** Passed to each call; `null` switches telemetry off. */
  readonly telemetry: Telemetry | null;
  /** Waits until what was recorded has left the process or is safe. */
  settle(): Promise<void>;
  /** Bytes written or sent so far. */
  bytes(): Promise<number>;
  close(): Promise<void>;
  /** Calls are divided by this: a recorder whose cost grows with its history gets fewer. */
  readonly divisor: number;
}

const nothing = async (): Promise<void> => undefined;

function folderBytes(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(folder, name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}

function plain(name: string, telemetry: Telemetry | null): Variant {
  return { name, telemetry, settle: nothing, bytes: async () => 0, close: nothing, divisor: 1 };
}

/** An integration with every hook there is, each doing nothing: what being told costs before anything is recorded. */
const idle = {
  onStart: () => undefined,
  onStepStart: () => undefined,
  onLanguageModelCallStart: () => undefined,
  onLanguageModelCallEnd: () => undefined,
  onToolExecutionStart: () => undefined,
  onToolExecutionEnd: () => undefined,
  onStepEnd: () => undefined,
  onEnd: () => undefined,
  onAbort: () => undefined,
  onError: () => undefined,
  executeLanguageModelCall: ({ execute }: { execute: () => unknown }) => execute(),
  executeTool: ({ execute }: { execute: () => unknown }) => execute(),
} as unknown as Telemetry;

function tachograph(): Variant {
  const home = mkdtempSync(join(tmpdir(), 'bench-home-'));
  const recorder = openRecorder({ home });
  return {
    name: 'Tachograph',
    telemetry: tachographTelemetry(recorder) as Telemetry,
    settle: nothing,
    bytes: async () => folderBytes(join(home, 'journal')),
    async close() {
      await recorder.close();
      rmSync(home, { recursive: true, force: true });
    },
    divisor: 1,
  };
}

function openTelemetry(url: string): Variant {
  const exporter = new OTLPTraceExporter({ url: `${url}/v1/traces` });
  const processor = new BatchSpanProcessor(exporter, { maxQueueSize: 20_000, maxExportBatchSize: 512 });
  const provider = new NodeTracerProvider({ spanProcessors: [processor] });
  const bytes = async (): Promise<number> => Number(await (await fetch(`${url}/collected`)).text());
  return {
    name: 'OpenTelemetry, batch + OTLP',
    telemetry: new OpenTelemetry({ tracer: provider.getTracer('bench') }),
    settle: () => processor.forceFlush(),
    bytes,
    close: () => provider.shutdown(),
    divisor: 1,
  };
}

function devTools(): Variant {
  // It keeps its history in the working folder.
  const folder = mkdtempSync(join(tmpdir(), 'bench-devtools-'));
  const before = process.cwd();
  process.chdir(folder);
  return {
    name: 'AI SDK DevTools',
    telemetry: DevToolsTelemetry(),
    settle: nothing,
    bytes: async () => folderBytes(folder),
    async close() {
      process.chdir(before);
      rmSync(folder, { recursive: true, force: true });
    },
    divisor: 20,
  };
}

/** The variants of one scenario, freshly opened. */
export function openVariants(collectorUrl: string, names: readonly string[]): Variant[] {
  return [
    () => plain('no recorder', null),
    () => plain('integration that does nothing', idle),
    tachograph,
    () => openTelemetry(collectorUrl),
    devTools,
  ]
    .map((open, index) => (names.length === 0 || names.includes(String(index)) ? open() : null))
    .filter((variant): variant is Variant => variant !== null);
}

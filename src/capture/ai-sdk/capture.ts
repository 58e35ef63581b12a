import type { Clock } from '../../core/clock.ts';
import { systemClock } from '../../core/clock.ts';
import type { Recorder } from '../../core/record/recording.ts';
import { createCallBook } from './call-book.ts';
import type { ChannelListener } from './channel.ts';
import { subscribeChannel } from './channel.ts';
import type { AiSdkIntegration } from './integration.ts';
import { createIntegration } from './integration.ts';
import { createSixBook } from './version-six/six-book.ts';
import type { Schedule } from './stream/tap.ts';
import { systemSchedule } from './stream/tap.ts';

/** How a capture of the AI SDK is made. Only the recorder is needed. */
export interface AiSdkCaptureOptions {
  readonly recorder: Recorder;
  readonly clock?: Clock;
  readonly schedule?: Schedule;
  /** A stream unread for longer is recorded as interrupted. Default ten minutes. */
  readonly unreadMs?: number;
  /**
   * How often the words of a stream are written before its end, less the last 4 KiB of each, so that a killed process
   * leaves more than that it asked. Off when left out: a stream's words are then written once, at its end.
   */
  readonly streamFlushMs?: number;
  /** Told of what went wrong in here; the host never is (I1). */
  readonly onError?: (error: unknown) => void;
}

/** A capture of the AI SDK. */
export interface AiSdkCapture {
  /** For `telemetry: { integrations: [...] }` of one call. */
  readonly integration: AiSdkIntegration;
  /**
   * Records every call of the process: puts the integration into the SDK's process-wide list, and listens to its
   * diagnostics channel for calls that name integrations of their own. Returns what undoes both. Idempotent. Version 6
   * reads the same list; it hands on neither `recordInputs` nor `recordOutputs`, which are heeded in its telemetry
   * `metadata` instead.
   */
  install(): () => void;
}

/** The process-wide list that the SDK reads at every call; no version of the SDK has to be loaded for it. */
const globals = globalThis as { AI_SDK_TELEMETRY_INTEGRATIONS?: unknown[] };

function addToGlobalList(integration: AiSdkIntegration): () => void {
  const list = (globals.AI_SDK_TELEMETRY_INTEGRATIONS ??= []);
  // First of all: version 6 awaits one after the other, and only what the first enters reaches the call itself.
  if (!list.includes(integration)) list.unshift(integration);
  return () => {
    const current = globals.AI_SDK_TELEMETRY_INTEGRATIONS ?? [];
    const at = current.indexOf(integration);
    if (at !== -1) current.splice(at, 1);
  };
}

const tenMinutesMs = 10 * 60 * 1000;

function buildCapture(options: AiSdkCaptureOptions): AiSdkCapture {
  const { recorder } = options;
  let channel: ChannelListener | null = null;
  const report = options.onError ?? (() => undefined);
  const guard = (fn: () => void): void => {
    try {
      fn();
    } catch (error) {
      // I1: a fault in here is told to whoever asked to hear of it, and never becomes the host's.
      try {
        report(error);
      } catch {
        // A listener that throws has told its own fault away; there is nobody left to tell.
        return;
      }
    }
  };
  const around = {
    recorder,
    guard,
    surrounding: () => channel?.surrounding() ?? null,
    timing: {
      clock: options.clock ?? systemClock,
      schedule: options.schedule ?? systemSchedule,
      unreadMs: options.unreadMs ?? tenMinutesMs,
      ...(options.streamFlushMs === undefined ? {} : { streamFlushMs: options.streamFlushMs }),
    },
  };
  const book = createCallBook(around);
  const integration = createIntegration(book, createSixBook(around));
  let uninstall: (() => void) | null = null;

  return {
    integration,
    install() {
      if (uninstall !== null) return uninstall;
      if (!recorder.recording) return () => undefined;
      const takeOut = addToGlobalList(integration);
      const listener = (channel = subscribeChannel(book));
      const own = (): void => {
        takeOut();
        listener.stop();
        if (uninstall !== own) return;
        uninstall = null;
        channel = null;
      };
      uninstall = own;
      return own;
    },
  };
}

const captureByRecorder = new WeakMap<Recorder, AiSdkCapture>();

/**
 * The capture of a recorder, inert until its integration is used or installed. One recorder has one capture, so that
 * no call is recorded twice: asked again, the first one comes back as it is.
 */
export function createAiSdkCapture(options: AiSdkCaptureOptions): AiSdkCapture {
  const known = captureByRecorder.get(options.recorder);
  if (known !== undefined) return known;
  const capture = buildCapture(options);
  captureByRecorder.set(options.recorder, capture);
  return capture;
}

/** The integration for `telemetry: { integrations: [tachographTelemetry(recorder)] }`. Always the same object for one recorder. */
export function tachographTelemetry(recorder: Recorder): AiSdkIntegration {
  return createAiSdkCapture({ recorder }).integration;
}

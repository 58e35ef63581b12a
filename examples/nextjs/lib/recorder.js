import { after } from 'next/server';
import { openSinkRecorder } from 'tachograph';
import { tachographTelemetry } from 'tachograph/ai-sdk';

// One recorder per instance. `after` keeps the instance awake until its records have reached the server.
export const recorder = openSinkRecorder({
  url: process.env.TACHOGRAPH_URL ?? 'http://127.0.0.1:7411',
  waitUntil: after,
  onError: (error) => console.error('tachograph:', error.message),
});

export const telemetry = tachographTelemetry(recorder);

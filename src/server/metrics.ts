/** Numbers the server keeps of itself. */
export interface Metrics {
  countRequest(route: string, method: string, status: number, durationMs: number): void;
  streamOpened(stream: string): void;
  streamClosed(stream: string, reason: string): void;
  /** Streams open now. */
  openStreams(): number;
  /** Prometheus text, with gauges measured by the caller in front. */
  toText(gauges: readonly Gauge[]): string;
}

/** One measured value, or a count that only grows. */
export interface Gauge {
  readonly name: string;
  /** A gauge unless said. */
  readonly type?: 'gauge' | 'counter';
  readonly help: string;
  readonly samples: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

const escapeLabel = (value: string): string => value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');

function sampleToLine(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`;
}

type Samples = Map<string, { labels: Readonly<Record<string, string>>; value: number }>;

function add(samples: Samples, labels: Readonly<Record<string, string>>, amount: number): void {
  const key = JSON.stringify(labels);
  const sample = samples.get(key);
  if (sample === undefined) samples.set(key, { labels, value: amount });
  else sample.value += amount;
}

/**
 * Counters of requests by route and status, and of streams. Labels come from closed lists (route patterns, methods,
 * statuses), so that no caller can make the numbers grow without bound.
 */
export function createMetrics(): Metrics {
  const requests: Samples = new Map();
  const seconds: Samples = new Map();
  const clients: Samples = new Map();
  const ended: Samples = new Map();

  const families: readonly (Omit<Gauge, 'samples'> & { readonly samples: Samples })[] = [
    { name: 'tachograph_http_requests_total', type: 'counter', help: 'Requests answered.', samples: requests },
    {
      name: 'tachograph_http_request_seconds_total',
      type: 'counter',
      help: 'Time from request to head of the answer.',
      samples: seconds,
    },
    { name: 'tachograph_sse_clients', type: 'gauge', help: 'Event streams open now.', samples: clients },
    { name: 'tachograph_sse_ended_total', type: 'counter', help: 'Event streams ended, by reason.', samples: ended },
  ];

  return {
    countRequest(route, method, status, durationMs) {
      add(requests, { route, method, status: String(status) }, 1);
      add(seconds, { route }, durationMs / 1000);
    },
    streamOpened: (stream) => add(clients, { stream }, 1),
    streamClosed(stream, reason) {
      add(clients, { stream }, -1);
      add(ended, { stream, reason }, 1);
    },
    openStreams: () => [...clients.values()].reduce((sum, { value }) => sum + value, 0),
    toText: (gauges) =>
      gaugesToText(gauges) +
      familiesToText(families.map((family) => ({ ...family, samples: [...family.samples.values()] }))),
  };
}

function familiesToText(families: readonly Gauge[]): string {
  const lines = families.flatMap(({ name, help, type = 'gauge', samples }) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(({ labels, value }) => sampleToLine(name, labels, value)),
  ]);
  return lines.map((line) => `${line}\n`).join('');
}

/** Measured values alone, as Prometheus text. */
export function gaugesToText(gauges: readonly Gauge[]): string {
  return familiesToText(gauges);
}

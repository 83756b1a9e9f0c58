import { errorCatalogue } from "@countersign/protocol";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { type EventName, eventTable } from "./events.ts";
import type { MetricsSource, Observer, RequestMetric } from "./observer.ts";

/** What can be measured beside events and requests. */
export interface MetricsOptions {
  /** Memory, CPU, event loop and garbage collection of this process; at most one set of metrics a process. @default false */
  readonly process?: boolean;
  /** Asked at each scrape: how many passwords wait to be hashed. */
  readonly passwordQueue?: () => number;
}

/** The metrics of one authority, in a registry of its own. */
export interface Metrics extends Observer, MetricsSource {
  /** Counts one commit of the store with the number of writes it holds. */
  storeCommit(writes: number, durationMs: number): void;
}

const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const batchBuckets = [1, 2, 4, 8, 16, 32, 64, 128];

/**
 * Counts what an authority does, for Prometheus. Labels are bounded: event names and error codes of the catalogues,
 * route patterns, methods and grants of the tables; never a path, a client or a user.
 *
 * @example
 * ```ts
 * import { createMetrics } from "@countersign/authority";
 * const metrics = createMetrics();
 * metrics.request({ route: "/oauth/token", method: "POST", status: 200, durationMs: 2 });
 * const { text } = await metrics.exposition();
 * ```
 */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const events = new Counter({
    name: "countersign_events_total",
    help: "Events of the authority, and the error code of refusals",
    labelNames: ["event", "code"],
    registers,
  });
  for (const name of Object.keys(eventTable) as EventName[]) startAtZero(events, name);
  const requests = latency("countersign_http_request_duration_seconds", "Time to answer a request", registers, [
    "route",
    "method",
    "status",
  ]);
  const grants = latency("countersign_token_request_duration_seconds", "Time to answer a token request", registers, [
    "grant",
    "status",
  ]);
  const batches = new Histogram({
    name: "countersign_store_commit_writes",
    help: "Writes that one commit of the store made durable",
    buckets: batchBuckets,
    registers,
  });
  const commits = latency("countersign_store_commit_duration_seconds", "Time of one commit", registers, []);
  if (options.passwordQueue !== undefined) watchQueue(options.passwordQueue, registers);
  if (options.process === true) collectDefaultMetrics({ register: registry });
  return {
    event: ({ name, fields }) => events.inc({ event: name, code: "code" in fields ? fields.code : "" }),
    request: (request) => {
      const { route, method, grant } = request;
      const status = String(request.status);
      requests.observe({ route, method, status }, seconds(request));
      if (grant !== undefined) grants.observe({ grant, status }, seconds(request));
    },
    storeCommit: (writes, durationMs) => {
      batches.observe(writes);
      commits.observe(durationMs / 1000);
    },
    exposition: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}

/** Every series begins at 0: one that begins with its first event shows no increase, and an alert would miss it. */
function startAtZero(events: Counter<"event" | "code">, event: EventName): void {
  const fields: readonly string[] = eventTable[event].fields;
  const codes = fields.includes("code") ? Object.keys(errorCatalogue) : [""];
  for (const code of codes) events.inc({ event, code }, 0);
}

function seconds({ durationMs }: RequestMetric): number {
  return durationMs / 1000;
}

function latency<Label extends string>(
  name: string,
  help: string,
  registers: Registry[],
  labelNames: readonly Label[],
): Histogram<Label> {
  return new Histogram({ name, help, labelNames, buckets: latencyBuckets, registers });
}

function watchQueue(waiting: () => number, registers: Registry[]): void {
  new Gauge({
    name: "countersign_password_queue",
    help: "Passwords that wait to be hashed",
    registers,
    collect() {
      this.set(waiting());
    },
  });
}

import type { TokenEventSource } from "../events.ts";
import type { TokenHealth } from "../managed-token.ts";
import type { ManagerHealth } from "../manager.ts";

interface Counter {
  inc(labels: Record<string, string>, value?: number): void;
}
interface Histogram {
  observe(labels: Record<string, string>, value: number): void;
}
interface Gauge {
  reset(): void;
  set(labels: Record<string, string>, value: number): void;
}
interface MetricOptions<Registry> {
  name: string;
  help: string;
  labelNames: string[];
  registers: Registry[];
}

/** The part of the `prom-client` module that is used here: hand in the module itself. */
export interface PrometheusClient<Registry> {
  /** The class of that name. */
  readonly Counter: new (
    options: MetricOptions<Registry>,
  ) => Counter;
  /** The class of that name. */
  readonly Histogram: new (
    options: MetricOptions<Registry> & { buckets: number[] },
  ) => Histogram;
  /** The class of that name. */
  readonly Gauge: new (
    options: MetricOptions<Registry> & { collect(): void },
  ) => Gauge;
}

/** A watcher or a manager. */
export type Observed = TokenEventSource & { health(): TokenHealth | ManagerHealth };

/** Options of {@link prometheusMetrics}. */
export interface PrometheusOptions<Registry> {
  /** The module `prom-client`. */
  readonly client: PrometheusClient<Registry>;
  /** Where the metrics are registered. */
  readonly registry: Registry;
  /** Before every metric. @default "token_keeper" */
  readonly prefix?: string;
}

/**
 * Counts a keeper's events and shows its health with `prom-client`. Labels are few on purpose: no token, no key.
 * @returns what stops the counting.
 *
 * @example
 * ```ts run
 * import client from "prom-client";
 * import { constantSource, TokenWatcher } from "@countersign/token-keeper";
 * import { prometheusMetrics } from "@countersign/token-keeper/prometheus";
 * await using watcher = await TokenWatcher.start(constantSource({ accessToken: "abc" }));
 * const registry = new client.Registry();
 * const stop = prometheusMetrics(watcher, { client, registry });
 * console.log((await registry.metrics()).includes('token_keeper_tokens{status="fresh"} 1')); // true
 * stop();
 * ```
 */
export function prometheusMetrics<Registry>(keeper: Observed, options: PrometheusOptions<Registry>): () => void {
  const { client, registry, prefix = "token_keeper" } = options;
  const registers = [registry];
  const events = new client.Counter({
    name: `${prefix}_events_total`,
    help: "Events of the token keeper by type",
    labelNames: ["type"],
    registers,
  });
  const failures = new client.Counter({
    name: `${prefix}_refresh_failures_total`,
    help: "Failed refreshes by error code",
    labelNames: ["code"],
    registers,
  });
  const requests = new client.Histogram({
    name: `${prefix}_request_seconds`,
    help: "Duration of requests to the token endpoint",
    labelNames: [],
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10],
    registers,
  });
  new client.Gauge({
    name: `${prefix}_tokens`,
    help: "Tokens held by status",
    labelNames: ["status"],
    registers,
    collect(this: Gauge) {
      this.reset();
      for (const [status, count] of countByStatus(keeper)) this.set({ status }, count);
    },
  });
  return keeper.on("*", (event) => {
    events.inc({ type: event.type });
    if (event.type === "refresh_failed") failures.inc({ code: event.error.code });
    if (event.type === "requested") requests.observe({}, event.durationMs / 1000);
  });
}

/** How many tokens have which status. @internal */
export function countByStatus(keeper: Observed): Map<string, number> {
  const health = keeper.health();
  const counts = new Map<string, number>();
  for (const { status } of "tokens" in health ? health.tokens : [health])
    counts.set(status, (counts.get(status) ?? 0) + 1);
  return counts;
}

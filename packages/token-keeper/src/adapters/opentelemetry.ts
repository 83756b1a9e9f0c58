import { countByStatus, type Observed } from "./prometheus.ts";

/** The part of an OpenTelemetry `Meter` that is used here. */
export interface MeterLike {
  /** As OpenTelemetry's `Meter` has it. */
  createCounter(name: string, options: { description: string }): { add(value: number, attributes: Attributes): void };
  /** As OpenTelemetry's `Meter` has it. */
  createHistogram(
    name: string,
    options: { description: string; unit: string },
  ): { record(value: number, attributes: Attributes): void };
  /** As OpenTelemetry's `Meter` has it. */
  createObservableGauge(
    name: string,
    options: { description: string },
  ): { addCallback(report: Report): void; removeCallback(report: Report): void };
}
type Attributes = Record<string, string>;
type Report = (result: { observe(value: number, attributes: Attributes): void }) => void;

/**
 * Counts a keeper's events and shows its health through an OpenTelemetry meter.
 * @returns what stops the counting.
 *
 * @example
 * ```ts run
 * import { metrics } from "@opentelemetry/api";
 * import { constantSource, TokenWatcher } from "@countersign/token-keeper";
 * import { openTelemetryMetrics } from "@countersign/token-keeper/opentelemetry";
 * await using watcher = await TokenWatcher.start(constantSource({ accessToken: "abc" }));
 * const stop = openTelemetryMetrics(watcher, metrics.getMeter("token-keeper"));
 * stop();
 * ```
 */
export function openTelemetryMetrics(keeper: Observed, meter: MeterLike): () => void {
  const events = meter.createCounter("token_keeper.events", { description: "Events of the token keeper by type" });
  const failures = meter.createCounter("token_keeper.refresh.failures", { description: "Failed refreshes by code" });
  const description = "Duration of requests to the token endpoint";
  const requests = meter.createHistogram("token_keeper.request.duration", { description, unit: "s" });
  const tokens = meter.createObservableGauge("token_keeper.tokens", { description: "Tokens held by status" });
  const report: Report = (result) => {
    for (const [status, count] of countByStatus(keeper)) result.observe(count, { status });
  };
  tokens.addCallback(report);
  const off = keeper.on("*", (event) => {
    events.add(1, { type: event.type });
    if (event.type === "refresh_failed") failures.add(1, { code: event.error.code });
    if (event.type === "requested") requests.record(event.durationMs / 1000, {});
  });
  return () => {
    off();
    tokens.removeCallback(report);
  };
}

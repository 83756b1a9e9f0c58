import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { noJitter, TokenManager, TokenWatcher } from "@countersign/token-keeper";
import { openTelemetryMetrics } from "@countersign/token-keeper/opentelemetry";
import { prometheusMetrics } from "@countersign/token-keeper/prometheus";
import { FakeClock } from "@countersign/token-keeper/testing";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import client from "prom-client";
import { aSource } from "../support/context.ts";
import { scriptedSource } from "../support/scripted-source.ts";
import { startTokenServer } from "../support/token-server.ts";

describe("prometheusMetrics()", () => {
  it("counts requests, refreshes and errors, and shows the tokens by status", async () => {
    await using server = await startTokenServer();
    await using manager = new TokenManager({ timers: false });
    const registry = new client.Registry();
    const stop = prometheusMetrics(manager, { client, registry });
    await manager.getToken(aSource(server));
    await assert.rejects(manager.getToken(scriptedSource("invalid_client")));
    const text = await registry.metrics();
    for (const line of [
      'token_keeper_events_total{type="refreshed"} 1',
      'token_keeper_refresh_failures_total{code="invalid_client"} 1',
      "token_keeper_request_seconds_count 1",
      'token_keeper_tokens{status="fresh"} 1',
      'token_keeper_tokens{status="none"} 1',
    ])
      assert.ok(text.includes(line), text);
    assert.ok(!text.includes("token-1") && !text.includes("api.example.com"));
    stop();
    await assert.rejects(manager.getToken(scriptedSource("invalid_client")));
    assert.equal(await registry.metrics(), text);
  });
});

describe("openTelemetryMetrics()", () => {
  it("reports the same through a meter", async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 });
    const provider = new MeterProvider({ readers: [reader] });
    const clock = new FakeClock();
    const watcher = new TokenWatcher(scriptedSource(600, "network_failed"), { clock, jitter: noJitter() });
    const stop = openTelemetryMetrics(watcher, provider.getMeter("test"));
    await clock.advance(500_000);
    await provider.forceFlush();
    const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
    const named = (name: string, label: string): unknown => {
      const metric = metrics.find(({ descriptor }) => descriptor.name === name);
      const points: readonly { attributes: object; value: unknown }[] = metric?.dataPoints ?? [];
      return points.find(({ attributes }) => Object.values(attributes).includes(label))?.value;
    };
    assert.equal(named("token_keeper.events", "refreshed"), 1);
    assert.ok(Number(named("token_keeper.refresh.failures", "network_failed")) > 1);
    assert.equal(named("token_keeper.tokens", "stale"), 1);
    stop();
    watcher.close();
    await provider.shutdown();
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { errorCatalogue } from "@countersign/protocol";
import { eventTable } from "../../src/audit/events.ts";
import { createMetrics } from "../../src/audit/metrics.ts";

describe("createMetrics", () => {
  it("counts events by name and error code", async () => {
    const metrics = createMetrics();
    const refused = { grant: "password", code: "invalid_grant", clientId: "web" };
    metrics.event({ name: "token.refused", at: 0, fields: refused });
    metrics.event({ name: "token.refused", at: 0, fields: refused });
    metrics.event({ name: "authority.started", at: 0, fields: { issuer: "http://localhost" } });
    const { text } = await metrics.exposition();
    assert.match(text, /^countersign_events_total\{event="token.refused",code="invalid_grant"\} 2$/m);
    assert.match(text, /^countersign_events_total\{event="authority.started",code=""\} 1$/m);
  });

  it("has a series of every event, and of every error code of refusals, before the first", async () => {
    const { text } = await createMetrics().exposition();
    const series = [...text.matchAll(/^countersign_events_total\{event="([^"]+)",code="([^"]*)"\} 0$/gm)];
    assert.deepEqual(new Set(series.map(([, event]) => event)), new Set(Object.keys(eventTable)));
    const codes = series.filter(([, , code]) => code !== "").map(([, event, code]) => `${event} ${code}`);
    assert.deepEqual(
      codes,
      ["token.refused", "capability.refused", "request.refused"].flatMap((event) =>
        Object.keys(errorCatalogue).map((code) => `${event} ${code}`),
      ),
    );
  });

  it("labels nothing with what a caller chose", async () => {
    const metrics = createMetrics();
    metrics.event({ name: "token.refused", at: 0, fields: { grant: "x", code: "invalid_grant", clientId: "canary" } });
    assert.doesNotMatch((await metrics.exposition()).text, /canary/);
  });

  it("measures requests by route and status, and token requests by grant, in seconds", async () => {
    const metrics = createMetrics();
    metrics.request({ route: "/oauth/token", method: "POST", status: 200, durationMs: 7, grant: "refresh_token" });
    metrics.request({ route: "/status", method: "GET", status: 200, durationMs: 1 });
    const { text } = await metrics.exposition();
    assert.match(
      text,
      /http_request_duration_seconds_bucket\{le="0.01",route="\/oauth\/token",method="POST",status="200"\} 1$/m,
    );
    assert.match(text, /token_request_duration_seconds_sum\{grant="refresh_token",status="200"\} 0.007$/m);
    assert.doesNotMatch(text, /token_request_duration_seconds_count\{grant="(?!refresh_token)/);
  });

  it("measures commits and asks for the password queue at each scrape", async () => {
    let waiting = 3;
    const metrics = createMetrics({ passwordQueue: () => waiting });
    metrics.storeCommit(5, 4);
    assert.match((await metrics.exposition()).text, /^countersign_password_queue 3$/m);
    waiting = 1;
    const { text, contentType } = await metrics.exposition();
    assert.match(text, /^countersign_password_queue 1$/m);
    assert.match(text, /^countersign_store_commit_writes_bucket\{le="8"\} 1$/m);
    assert.match(text, /^countersign_store_commit_duration_seconds_sum 0.004$/m);
    assert.match(contentType, /^text\/plain; version=0\.0\.4/);
  });

  it("keeps the registries of two authorities apart", async () => {
    const [one, other] = [createMetrics(), createMetrics()];
    one.storeCommit(1, 1);
    assert.match((await other.exposition()).text, /^countersign_store_commit_writes_count 0$/m);
  });

  it("adds the metrics of the process only when asked", async () => {
    assert.match((await createMetrics({ process: true }).exposition()).text, /^process_resident_memory_bytes \d+$/m);
    assert.doesNotMatch((await createMetrics().exposition()).text, /process_/);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeClock } from "@countersign/token-keeper/testing";
import { acquire } from "../src/acquire.ts";
import { TokenEvents } from "../src/events.ts";
import { keeperPorts } from "../src/keeper-options.ts";
import { ManagedToken } from "../src/managed-token.ts";
import { scriptedSource } from "./support/scripted-source.ts";

describe("acquire()", () => {
  it("counts who waits for a token to come, and who no longer does", async () => {
    const clock = new FakeClock();
    const ports = keeperPorts({ clock }, new TokenEvents(), () => undefined);
    const managed = new ManagedToken(scriptedSource("network_failed", "network_failed", 3600), ports);
    const impatient = assert.rejects(acquire(managed, clock, { timeoutMs: 50 }), { code: "network_failed" });
    const patient = acquire(managed, clock, {});
    assert.equal(managed.waiters, 2);
    await clock.advance(50);
    await impatient;
    assert.equal(managed.waiters, 1);
    await clock.advance(10_000);
    await patient;
    assert.equal(managed.waiters, 0);
    await acquire(managed, clock, {});
    assert.equal(managed.waiters, 0);
  });
});

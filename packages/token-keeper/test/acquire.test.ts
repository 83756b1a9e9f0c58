import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeClock } from "@countersign/token-keeper/testing";
import { acquire } from "../src/acquire.ts";
import { TokenEvents } from "../src/events.ts";
import { slotPorts } from "../src/keeper-options.ts";
import { TokenSlot } from "../src/slot.ts";
import { scriptedSource } from "./support/scripted-source.ts";

describe("acquire()", () => {
  it("counts who waits for a token to come, and who no longer does", async () => {
    const clock = new FakeClock();
    const ports = slotPorts({ clock }, new TokenEvents(), () => undefined);
    const slot = new TokenSlot(scriptedSource("network_failed", "network_failed", 3600), ports);
    const impatient = assert.rejects(acquire(slot, clock, { timeoutMs: 50 }), { code: "network_failed" });
    const patient = acquire(slot, clock, {});
    assert.equal(slot.waiters, 2);
    await clock.advance(50);
    await impatient;
    assert.equal(slot.waiters, 1);
    await clock.advance(10_000);
    await patient;
    assert.equal(slot.waiters, 0);
    await acquire(slot, clock, {});
    assert.equal(slot.waiters, 0);
  });
});

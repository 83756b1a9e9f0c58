import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextRound } from "node:timers/promises";
import { systemClock } from "@countersign/protocol";
import type { ConnectionState } from "../../src/node/connection-state.ts";
import { Turnstile } from "../../src/node/turnstile.ts";

function aConnection(): ConnectionState {
  return { connection: {}, requests: 0, waiting: [], begun: 0, responding: 0, closing: false, ended: false };
}

/** A turnstile before connections with so many requests each, of which one takes `costMs`, and which were begun. */
function aTurnstile(names: Readonly<Record<string, number>>, costMs: number) {
  let now = 0;
  const left = new Map(Object.entries(names).map(([name, requests]) => [aConnection(), { name, requests }]));
  const begun: string[] = [];
  const turnstile = new Turnstile({ ...systemClock, monotonic: () => now }, (connection) => {
    const one = left.get(connection) ?? assert.fail("a connection nobody knows");
    now += costMs;
    one.requests -= 1;
    begun.push(one.name);
    return one.requests > 0;
  });
  return { turnstile, begun, connections: [...left.keys()] };
}

describe("Turnstile (B28)", () => {
  it("begins nothing at once", async () => {
    const { turnstile, begun, connections } = aTurnstile({ a: 1 }, 1);
    for (const connection of connections) turnstile.enter(connection);
    assert.deepEqual(begun, []);
    await nextRound();
    assert.deepEqual(begun, ["a"]);
  });

  it("begins one of each connection in turn, however often they came", async () => {
    const { turnstile, begun, connections } = aTurnstile({ a: 3, b: 1, c: 2 }, 0);
    for (const connection of [...connections, ...connections]) turnstile.enter(connection);
    await nextRound();
    assert.deepEqual(begun.join(""), "abcaca");
  });

  it("lets everybody else have a turn after five milliseconds, and goes on where it was", async () => {
    const { turnstile, begun, connections } = aTurnstile({ a: 3, b: 3 }, 2);
    for (const connection of connections) turnstile.enter(connection);
    await nextRound();
    assert.deepEqual(begun.join(""), "aba");
    await nextRound();
    assert.deepEqual(begun.join(""), "ababab");
    await nextRound();
    assert.equal(begun.length, 6);
  });
});

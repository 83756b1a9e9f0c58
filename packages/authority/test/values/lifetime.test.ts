import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isLifetime, type Lifetime, lifetimeSchema, lifetimes } from "../../src/values/lifetime.ts";

describe("lifetimes", () => {
  for (const [name, [shortest, longest]] of Object.entries(lifetimes)) {
    it(`${name}: the schema and the check agree on ${shortest} to ${longest} seconds`, () => {
      const schema = lifetimeSchema(name as Lifetime);
      for (const seconds of [shortest - 1, shortest, longest, longest + 1]) {
        const isWithin = seconds >= shortest && seconds <= longest;
        assert.equal(schema.safeParse(seconds).success, isWithin, `${seconds} s, schema`);
        assert.equal(isLifetime(name as Lifetime, seconds * 1000), isWithin, `${seconds} s, check`);
      }
    });
  }

  for (const value of [Number.NaN, 60_000.5, "60000", undefined, Number.POSITIVE_INFINITY]) {
    it(`takes no ${typeof value} ${String(value)}`, () => assert.equal(isLifetime("accessToken", value), false));
  }
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { systemClock } from "@countersign/protocol";
import { openStore, storeEngines } from "../../src/store/open-store.ts";
import { storeContract } from "./store-contract.ts";
import { storePath } from "./stores.ts";

// Those that need a server have a test file of their own.
for (const engine of ["memory", "sqlite"]) {
  storeContract(`openStore of ${engine}`, async (clock, context) => {
    const path = storePath(context);
    const store = await openStore(`${engine}:${path}`, { clock });
    context.after(() => store.close());
    return store;
  });
}

describe("openStore", () => {
  it("takes what follows the first colon for a path as it is, and tells of commits", async (context) => {
    const location = `sqlite:${storePath(context)}:a%20b.db`;
    const commits: number[] = [];
    const store = await openStore(location, { clock: systemClock, onCommit: (writes) => commits.push(writes) });
    await store.swap("K#1", 0, { value: 1 });
    await store.close();
    assert.deepEqual(commits, [1]);
    const again = await openStore(location, { clock: systemClock });
    context.after(() => again.close());
    assert.equal((await again.get("K#1"))?.value, 1);
  });

  for (const location of ["", "sqlite", "data/countersign.db", "mysql:host", "toString:x"]) {
    it(`refuses ${JSON.stringify(location)}, naming the engines`, async () => {
      await assert.rejects(openStore(location, { clock: systemClock }), {
        name: "RangeError",
        message: `Cannot open a store without its engine: begin with ${storeEngines.join(": or ")}:`,
      });
    });
  }
});

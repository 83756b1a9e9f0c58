import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "@countersign/protocol/testing";
import { crashUnderLoad } from "./crash.ts";
import { storePath } from "./stores.ts";

describe("openSqliteStore: kill -9 under load (J1)", () => {
  it("loses nothing acknowledged and acknowledges nothing twice", async (context) => {
    const report = await crashUnderLoad({ path: storePath(context), kills: 10, random: seededRandom("crash") });
    assert.deepEqual(report.violations, []);
    assert.ok(report.acknowledged > 500, `only ${report.acknowledged} acknowledgements`);
    assert.ok(report.indeterminate > 0, "no kill fell into an operation");
  });
});

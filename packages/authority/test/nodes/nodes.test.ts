import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { seededRandom } from "@countersign/protocol/testing";
import { postgresServer } from "../store/postgres-server.ts";
import { nodesUnderLoad } from "./nodes.ts";

const server = await postgresServer();
after(() => server?.stop());
const skip = server === undefined && "no PostgreSQL here: install it, or give COUNTERSIGN_POSTGRES_URL";

describe("three nodes on PostgreSQL", { skip }, () => {
  const options = { nodes: 3, logins: 6, kills: 2, rotationsPerKill: 60, random: seededRandom("nodes") };

  it("lose no effect and double none when one after the other is killed under load", async () => {
    const report = await nodesUnderLoad({ ...options, location: server?.location() ?? "" });
    assert.deepEqual(report.violations, []);
    assert.ok(report.rotations >= 180 && report.races > 20, JSON.stringify(report));
    assert.equal(report.replaysCaught, 6);
  });

  it("end logins, and are seen to, where a token is answered once only", async () => {
    const report = await nodesUnderLoad({ ...options, kills: 0, isStrict: true, location: server?.location() ?? "" });
    assert.notDeepEqual(report.violations, []);
  });
});

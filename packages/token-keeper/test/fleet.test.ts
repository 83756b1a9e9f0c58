import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

describe("a small fleet", () => {
  it("makes two requests per lifetime and audience, fails no call and gives up no living token through an outage", () => {
    const script = fileURLToPath(new URL("../../../bench/token-keeper/fleet.ts", import.meta.url));
    const args = ["-C", "@countersign/source", script, "--quick", "--only=file"];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /^\{"name":"token keeper, file cache"/);
  });
});

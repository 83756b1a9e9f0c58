import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

describe("the packed package", () => {
  it("installs and works alone, and its core in a browser's realm", () => {
    const script = fileURLToPath(new URL("../../../tools/consumer-token-keeper/check.mjs", import.meta.url));
    const args = ["--no-warnings", "--experimental-vm-modules", script];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^Bearer abc\nbrowser bundle: \d+ bytes\n$/);
  });
});

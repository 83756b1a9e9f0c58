import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../bin/countersign.js", import.meta.url));

/** Runs the program on a Node that says it is of this version. */
function runOn(version: string) {
  const versions = JSON.stringify({ node: version });
  const disguise = `data:text/javascript,Object.defineProperty(process,"versions",{value:${versions}})`;
  return spawnSync(process.execPath, ["--import", disguise, bin, "--version"], { encoding: "utf8" });
}

describe("bin/countersign.js", () => {
  for (const version of ["20.20.2", "22.15.0", "24.6.0"]) {
    it(`says what Node it needs when that is ${version}`, () => {
      const { status, stdout, stderr } = runOn(version);
      assert.equal(stdout, "");
      assert.match(stderr, new RegExp(`^countersign: error: this Node is too old: ${version}\n.*: 24\\.7 or newer`));
      assert.equal(status, 1);
    });
  }

  for (const version of ["24.7.0", "26.0.0"]) {
    it(`takes ${version}`, () => assert.doesNotMatch(runOn(version).stderr, /too old/));
  }
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";

const exitNow = new URL("../src/exit-now.ts", import.meta.url).href;

/** Its thread is inside a call that nothing interrupts. */
const busy = `
import { Worker } from "node:worker_threads";
import { exitNow } from "${exitNow}";
const code =
  'const use = process.getBuiltinModule; use("worker_threads").parentPort.postMessage(0);' +
  'use("child_process").spawnSync("sleep", ["30"])';
new Worker(code, { eval: true }).on("message", () => setImmediate(() => exitNow(5)));
`;

describe("exitNow", () => {
  it("ends with its code, and waits for no thread", () => {
    const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", busy], {
      encoding: "utf8",
      timeout: 15_000,
    });
    assert.equal(stderr, "");
    assert.equal(status, 5);
  });
});

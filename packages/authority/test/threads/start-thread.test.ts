import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { conditionsOf, startThread } from "../../src/threads/start-thread.ts";

describe("startThread", () => {
  it("runs the same code as its parent, not what was built of it", async () => {
    const thread = startThread(new URL("./resolving-thread", import.meta.url));
    const [resolved] = await once(thread, "message");
    await thread.terminate();
    assert.equal(resolved, import.meta.resolve("@countersign/protocol"));
    assert.match(resolved, /\/protocol\/src\/index\.ts$/);
  });
});

describe("conditionsOf", () => {
  const rows: readonly { flags: string[]; expect: string[] }[] = [
    { flags: [], expect: [] },
    { flags: ["-C", "a"], expect: ["--conditions=a"] },
    { flags: ["--conditions", "a"], expect: ["--conditions=a"] },
    { flags: ["--conditions=a", "-C", "b"], expect: ["--conditions=a", "--conditions=b"] },
    { flags: ["--input-type=module", "-C", "a", "--test"], expect: ["--conditions=a"] },
  ];
  for (const { flags, expect } of rows) {
    it(`of ${flags.join(" ") || "nothing"}`, () => assert.deepEqual(conditionsOf(flags), expect));
  }
});

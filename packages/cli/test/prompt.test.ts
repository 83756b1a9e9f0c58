import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { askSecret } from "../src/prompt.ts";
import type { World } from "../src/world.ts";

/** A terminal that types these keys once its echo is off. */
function terminal(keys: string) {
  const modes: boolean[] = [];
  let shown = "";
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode(on: boolean) {
      modes.push(on);
      if (on) stdin.write(keys);
    },
  });
  const stderr = {
    write(text: string) {
      shown += text;
    },
  };
  const world: Pick<World, "stdin" | "stderr"> = { stdin, stderr };
  return { world, modes, shown: () => shown };
}

describe("askSecret", () => {
  const rows = [
    { id: "to the end of the line", keys: "secret\rmore", expect: "secret" },
    { id: "without what was erased", keys: "secrx\u007fet\u0008\u0008et\n", expect: "secret" },
    { id: "in any script", keys: "ключ 🔑\r", expect: "ключ 🔑" },
    { id: "nothing", keys: "\r", expect: "" },
  ];
  for (const { id, keys, expect } of rows) {
    it(`reads ${id}, and shows none of it`, async () => {
      const { world, modes, shown } = terminal(keys);
      assert.equal(await askSecret(world, "password: "), expect);
      assert.deepEqual(modes, [true, false]);
      assert.equal(shown(), "password: \n");
    });
  }

  it("gives the terminal its echo back when interrupted", async () => {
    const { world, modes } = terminal("sec\u0003");
    await assert.rejects(askSecret(world, "password: "), { message: "interrupted", exitCode: 130 });
    assert.deepEqual(modes, [true, false]);
  });

  it("asks nobody where there is no terminal", async () => {
    const stderr = { write: () => assert.fail("asked") };
    assert.equal(await askSecret({ stdin: new PassThrough(), stderr }, "password: "), undefined);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { prepareFirstStart } from "@countersign/authority";
import { serveAuthority } from "@countersign/authority/node";
import { type TestAuthority, testAuthority } from "@countersign/authority/testing";
import { systemClock } from "@countersign/protocol";
import { runCli } from "../src/cli.ts";
import { aWorld } from "./script-world.ts";

/** Runs `audit --follow`, and between two looks what happens meanwhile; ends after the last of it was shown. */
async function follow(
  authority: TestAuthority,
  words: readonly string[],
  meanwhile: readonly (() => Promise<void>)[],
): Promise<readonly string[]> {
  const { adminPassword = "", confirmShown } = await prepareFirstStart(authority.services);
  await confirmShown();
  const served = await serveAuthority(authority, { port: 0 });
  let printed = "";
  let looks = 0;
  const code = await runCli(["audit", "--follow", "--json", "--name", "user", ...words], {
    ...aWorld(),
    env: { COUNTERSIGN_URL: served.url, COUNTERSIGN_PASSWORD: adminPassword },
    stdout: {
      write(text) {
        printed += text;
      },
    },
    clock: {
      ...systemClock,
      async sleep() {
        const next = meanwhile[looks++];
        if (next === undefined) throw new Error("seen enough");
        await next();
      },
    },
  });
  assert.equal(code, 1);
  await served.close();
  await authority.close();
  return printed
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line).fields.userId);
}

function happen(authority: TestAuthority, ...ids: readonly string[]): Promise<void> {
  return ids.reduce(
    (before, userId) => before.then(() => authority.services.audit.record("user.deleted", { userId, actor: "a" })),
    Promise.resolve(),
  );
}

describe("countersign audit --follow", () => {
  it("shows all that happened between two looks, however much", async () => {
    const authority = await testAuthority();
    const ids = Array.from({ length: 2500 }, (_, at) => `user_${at}`);
    await happen(authority, "before");
    await authority.clock.advance(2000);
    const shown = await follow(authority, ["--limit", "1"], [() => happen(authority, ...ids)]);
    assert.deepEqual(shown.slice(1), ids);
  });

  it("begins at the limit, and goes only forward from there", async () => {
    const authority = await testAuthority();
    await happen(authority, "first", "second", "third");
    const more = () => happen(authority, "fourth");
    const shown = await follow(authority, ["--limit", "1", "--name", "user.deleted"], [more, async () => {}]);
    assert.deepEqual(shown, ["third", "fourth"]);
  });

  it("goes on when its token has expired", async () => {
    const authority = await testAuthority();
    const later = async () => {
      await authority.clock.advance(3_600_000);
      await happen(authority, "later");
    };
    const shown = await follow(authority, [], [later, async () => {}]);
    assert.equal(shown.at(-1), "later");
  });
});

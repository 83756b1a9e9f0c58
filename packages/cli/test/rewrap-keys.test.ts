import assert from "node:assert/strict";
import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { systemClock } from "@countersign/protocol";
import { runCli } from "../src/cli.ts";
import { openAuthority } from "../src/open-authority.ts";
import { loadSettings } from "../src/settings.ts";
import type { World } from "../src/world.ts";
import { aWorld, run, start } from "./script-world.ts";

const { mkdtemp, readdir, rm } = fs;
type Env = World["env"];

async function withData(use: (data: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "countersign-rewrap-"));
  try {
    await use(join(directory, "data"));
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** The kids of the authority on the directory, or why it does not open. */
async function kidsOf(data: string, env: Env): Promise<string> {
  const { settings } = loadSettings({ env, flags: { data } });
  try {
    const authority = await openAuthority({ settings, issuer: "http://localhost" }, { ...aWorld(), env });
    const kids = authority.services.keys.list().map(({ kid }) => kid);
    await authority.close();
    return kids.join(" ");
  } catch (error) {
    return `closed: ${error}`;
  }
}

const mutations = ["open", "link", "rename", "rm"] as const;

/** Whether the power goes at a call to the file system: so many were made before, and this is the next. */
type Outage = (before: number, name: (typeof mutations)[number]) => boolean;

/** Runs `keys rewrap` on a machine whose power goes; then no commit happens either. */
async function interrupted(data: string, env: Env, outage: Outage): Promise<"done" | "interrupted"> {
  const originals = { ...fs };
  let calls = 0;
  let gone = false;
  const fail = () => {
    throw new Error("the power is gone");
  };
  for (const name of mutations) {
    const original = originals[name] as (...args: readonly unknown[]) => Promise<unknown>;
    const failing = async (...args: readonly unknown[]) => {
      gone ||= outage(calls++, name);
      return gone ? fail() : original(...args);
    };
    Object.assign(fs, { [name]: failing });
  }
  // The store takes the version of each item it writes from the clock.
  const clock = { ...systemClock, now: () => (gone ? fail() : systemClock.now()) };
  syncBuiltinESMExports();
  try {
    const exitCode = await runCli(["keys", "rewrap", "--data", data], { ...aWorld(), env, clock });
    return exitCode === 0 ? "done" : "interrupted";
  } finally {
    Object.assign(fs, originals);
    syncBuiltinESMExports();
  }
}

const oldKey = Buffer.from("0123456789abcdef0123456789ABCDEF").toString("base64url");
const newKey = Buffer.from("fedcba9876543210FEDCBA9876543210").toString("base64url");

/** From where to where the key-encryption key moves. */
const moves: readonly { id: string; from: Env; added: Env; to: Env }[] = [
  { id: "a file to another", from: {}, added: {}, to: {} },
  { id: "a file to a variable", from: {}, added: { COUNTERSIGN_NEW_KEY: newKey }, to: { COUNTERSIGN_KEY: newKey } },
  { id: "a variable to a file", from: { COUNTERSIGN_KEY: oldKey }, added: {}, to: {} },
  {
    id: "a variable to another",
    from: { COUNTERSIGN_KEY: oldKey },
    added: { COUNTERSIGN_NEW_KEY: newKey },
    to: { COUNTERSIGN_KEY: newKey },
  },
];

describe("countersign keys rewrap", () => {
  for (const { id, from, added, to } of moves) {
    it(`interrupted anywhere from ${id}: opens with the old key or the new one, and a repetition ends it`, () =>
      withData(async (data) => {
        const kids = await kidsOf(data, from);
        assert.doesNotMatch(kids, /closed/);
        const command = { ...from, ...added };
        for (let calls = 0; ; calls++) {
          const [copy, again] = [`${data}-${calls}`, `${data}-${calls}-again`];
          await fs.cp(data, copy, { recursive: true });
          const outcome = await interrupted(copy, command, (before) => before === calls);
          await fs.cp(copy, again, { recursive: true });
          const opened = await kidsOf(copy, from);
          if (opened !== kids) assert.equal(await kidsOf(copy, to), kids, `after ${calls} calls: ${opened}`);
          if (outcome === "done") break;
          const { exitCode, stderr } = await run(["keys", "rewrap", "--data", again], command);
          assert.equal(exitCode, 0, `after ${calls} calls: ${stderr}`);
          assert.equal(await kidsOf(again, to), kids);
        }
      }));
  }

  it("interrupted again while it ends what was interrupted: opens all the same", () =>
    withData(async (data) => {
      const env = { COUNTERSIGN_KEY: oldKey };
      const kids = await kidsOf(data, env);
      assert.equal(await interrupted(data, env, (_, name) => name === "rename"), "interrupted");
      for (let calls = 0, outcome = ""; outcome !== "done"; calls++) {
        const copy = `${data}-${calls}`;
        await fs.cp(data, copy, { recursive: true });
        outcome = await interrupted(copy, {}, (before) => before === calls);
        assert.equal(await kidsOf(copy, {}), kids, `after ${calls} calls`);
      }
    }));

  it("leaves the file of the key before under its id, and no other", () =>
    withData(async (data) => {
      await kidsOf(data, {});
      const before = (await fs.readFile(join(data, "kek"), "utf8")).trim();
      const { stdout } = await run(["keys", "rewrap", "--data", data, "--json"]);
      const { kept } = JSON.parse(stdout);
      assert.equal((await fs.readFile(kept, "utf8")).trim(), before);
      assert.deepEqual((await readdir(data)).filter((name) => name.startsWith("kek")).sort(), [
        "kek",
        kept.slice(data.length + 1),
      ]);
    }));

  it("is refused while a server runs, and changes nothing", () =>
    withData(async (data) => {
      const started = start(["serve", "--listen", "localhost:0", "--data", data, "--log-level", "silent"], {});
      await started.printed("admin password");
      const { exitCode, stderr } = await run(["keys", "rewrap", "--data", data]);
      assert.equal(exitCode, 1);
      assert.match(stderr, /another server is using it/);
      started.stop();
      await started.exitCode;
      assert.deepEqual(
        (await readdir(data)).filter((name) => name.startsWith("kek")),
        ["kek"],
      );
    }));

  it("makes nothing where there is no store", () =>
    withData(async (data) => {
      const { exitCode, stderr } = await run(["keys", "rewrap", "--data", data]);
      assert.equal(exitCode, 1);
      assert.match(stderr, /there is no store/);
      await assert.rejects(readdir(data), { code: "ENOENT" });
    }));

  it("refuses a variable that holds no key", () =>
    withData(async (data) => {
      await kidsOf(data, {});
      const { stderr } = await run(["keys", "rewrap", "--data", data], { COUNTERSIGN_NEW_KEY: "abc" });
      assert.match(stderr, /COUNTERSIGN_NEW_KEY is not a key/);
    }));
});

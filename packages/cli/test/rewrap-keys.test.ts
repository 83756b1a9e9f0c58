import assert from "node:assert/strict";
import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { systemClock } from "@countersign/protocol";
import { seededRandom } from "@countersign/protocol/testing";
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
    // Of one seed, so that two commands that came equally far leave the same.
    const world = { ...aWorld(), env, clock, random: seededRandom("rewrap") };
    const exitCode = await runCli(["keys", "rewrap", "--data", data], world);
    return exitCode === 0 ? "done" : "interrupted";
  } finally {
    Object.assign(fs, originals);
    syncBuiltinESMExports();
  }
}

/** What a later command finds: the files of keys, what the ring is sealed under, and how much was recorded. */
async function stateOf(data: string): Promise<string> {
  const names = (await readdir(data)).filter((name) => name.startsWith("kek")).sort();
  const files = await Promise.all(names.map(async (name) => [name, await fs.readFile(join(data, name), "utf8")]));
  using database = new DatabaseSync(join(data, "countersign.db"));
  const ring = database.prepare("SELECT value FROM item WHERE key = 'K#ring'").get()?.value;
  const recorded = database.prepare("SELECT count(*) AS count FROM item WHERE key LIKE 'A#%'").get()?.count;
  return JSON.stringify([files, JSON.parse(String(ring)).derivation.kek, recorded]);
}

const oldKey = Buffer.from("0123456789abcdef0123456789ABCDEF").toString("base64url");
const newKey = Buffer.from("fedcba9876543210FEDCBA9876543210").toString("base64url");

/** From where to where the key-encryption key moves, and how many states an interruption can leave. */
const moves: readonly { id: string; from: Env; added: Env; to: Env; states: number }[] = [
  { id: "a file to another", from: {}, added: {}, to: {}, states: 7 },
  {
    id: "a file to a variable",
    from: {},
    added: { COUNTERSIGN_NEW_KEY: newKey },
    to: { COUNTERSIGN_KEY: newKey },
    states: 4,
  },
  { id: "a variable to a file", from: { COUNTERSIGN_KEY: oldKey }, added: {}, to: {}, states: 6 },
  {
    id: "a variable to another",
    from: { COUNTERSIGN_KEY: oldKey },
    added: { COUNTERSIGN_NEW_KEY: newKey },
    to: { COUNTERSIGN_KEY: newKey },
    states: 1,
  },
];

describe("countersign keys rewrap", () => {
  for (const { id, from, added, to, states } of moves) {
    it(`interrupted anywhere from ${id}: opens with the old key or the new one, and a repetition ends it`, () =>
      withData(async (data) => {
        const kids = await kidsOf(data, from);
        assert.doesNotMatch(kids, /closed/);
        const command = { ...from, ...added };
        const opens = async (copy: string) => {
          const opened = await kidsOf(copy, from);
          if (opened !== kids) assert.equal(await kidsOf(copy, to), kids, `${copy}: ${opened}`);
        };
        const isEnded = async (copy: string) => {
          const { exitCode, stderr } = await run(["keys", "rewrap", "--data", copy], command);
          assert.equal(exitCode, 0, `${copy}: ${stderr}`);
          assert.equal(await kidsOf(copy, to), kids);
        };
        const seen = new Set<string>();
        for (let calls = 0, outcome = ""; outcome !== "done"; calls++) {
          const [copy, again] = [`${data}-${calls}`, `${data}-${calls}-again`];
          await fs.cp(data, copy, { recursive: true });
          outcome = await interrupted(copy, command, (before) => before === calls);
          const state = await stateOf(copy);
          // Many calls only read, or sync: what they leave was looked at.
          if (seen.has(state)) continue;
          seen.add(state);
          await fs.cp(copy, again, { recursive: true });
          await Promise.all([opens(copy), outcome === "done" ? undefined : isEnded(again)]);
        }
        assert.equal(seen.size, states);
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

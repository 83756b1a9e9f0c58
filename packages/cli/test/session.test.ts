import assert from "node:assert/strict";
import { chmod, mkdtemp, readdir, rename, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { FakeClock } from "@countersign/protocol/testing";
import { forgetSession, keepSession, readSession } from "../src/session.ts";
import { aWorld } from "./script-world.ts";

const url = "https://id.example.com";
const clock = new FakeClock();
const session = () => ({ url, username: "admin", accessToken: "secret", expiresAt: clock.now() + 60_000 });

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "countersign-session-"));
});
after(() => rm(directory, { recursive: true }));

const worldAt = (home: string, env: Readonly<Record<string, string>> = {}) => ({
  ...aWorld(),
  clock,
  env: { HOME: join(directory, home), ...env },
});

describe("the session of a login", () => {
  it("is kept in a file that nobody else can read, and read again", async () => {
    const world = worldAt("kept");
    const path = await keepSession(world, session());
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal((await stat(join(path, ".."))).mode & 0o777, 0o700);
    assert.deepEqual(await readdir(join(path, "..")), [path.slice(path.lastIndexOf("/") + 1)]);
    assert.deepEqual(await readSession(world, url), session());
  });

  it("is none once it has expired, was ended, is another's or another authority's", async () => {
    const world = worldAt("ended");
    await keepSession(world, { ...session(), expiresAt: clock.now() });
    assert.equal(await readSession(world, url), undefined);
    await keepSession(world, session());
    assert.equal(await readSession(world, "https://other.example.com"), undefined);
    assert.equal(await readSession(worldAt("ended", { COUNTERSIGN_USERNAME: "alice" }), url), undefined);
    await forgetSession(world, url);
    assert.equal(await readSession(world, url), undefined);
  });

  it("is not believed from a file that others can read or write", async () => {
    const world = worldAt("open");
    const path = await keepSession(world, session());
    for (const mode of [0o640, 0o620, 0o604]) {
      await chmod(path, mode);
      assert.equal(await readSession(world, url), undefined, mode.toString(8));
    }
  });

  it("is not believed through a symbolic link", async () => {
    const world = worldAt("linked");
    const path = await keepSession(world, session());
    await rename(path, `${path}.elsewhere`);
    await symlink(`${path}.elsewhere`, path);
    assert.equal(await readSession(world, url), undefined);
  });

  it("replaces a file whose mode was changed by one of its own", async () => {
    const world = worldAt("replaced");
    await chmod(await keepSession(world, session()), 0o666);
    assert.equal((await stat(await keepSession(world, session()))).mode & 0o777, 0o600);
  });

  it("has no place without a home, and says so", async () => {
    await assert.rejects(keepSession(aWorld(), session()), /no place to keep a session/);
    assert.equal(await readSession(aWorld(), url), undefined);
  });
});

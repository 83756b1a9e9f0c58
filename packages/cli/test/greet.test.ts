import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  type Authority,
  createAuthority,
  createKeyEncryptionKey,
  createMemoryStore,
  parseConfig,
  prepareFirstStart,
} from "@countersign/authority";
import { FakeClock, seededRandom } from "@countersign/protocol/testing";
import { greet } from "../src/greet.ts";
import { createPrinter } from "../src/printer.ts";

const url = "http://localhost:8080";
const holdMs = 5001;

/** Nodes of one store and one clock: only of several can one overtake another. */
function fleet() {
  const clock = new FakeClock();
  const store = createMemoryStore({ clock });
  const keyEncryptionKey = createKeyEncryptionKey(seededRandom("fleet").bytes(32));
  const config = parseConfig({ issuer: url });
  const node = (name: string) =>
    createAuthority({ config, store, keyEncryptionKey, clock, random: seededRandom(name), signing: "inline" });
  return { clock, node };
}

/** Greets, and collects what was printed. */
async function greeted(
  authority: Authority,
  first: Awaited<ReturnType<typeof prepareFirstStart>>,
  { json = false, ...file }: { readonly json?: boolean; readonly passwordFile?: string } = {},
) {
  const printed = { stdout: "", stderr: "" };
  const stdout = { write: (text: string) => (printed.stdout += text) };
  const stderr = { write: (text: string) => (printed.stderr += text) };
  await greet({ served: { url }, authority, first, ...file }, createPrinter({ stdout, stderr, env: {} }, json));
  return printed;
}

async function logIn({ services }: Authority, password: string | undefined): Promise<boolean> {
  const attempt = { username: "admin", clientId: "loopback", password: password ?? "" };
  return services.users.authenticate(attempt).then(
    () => true,
    () => false,
  );
}

const listening = `countersign is listening at ${url}\n`;
const takenBack = "countersign: warning: this password is void: another node took over the first start\n";
const passwords = (text: string) => [...text.matchAll(/^admin password: (\S{32})$/gm)].map((match) => match[1]);

describe("greet", () => {
  it("takes the password back when another node took over, whose password works", async () => {
    const { clock, node } = fleet();
    const [slow, quick] = [await node("slow"), await node("quick")];
    const overtaken = await prepareFirstStart(slow.services);
    clock.jump(holdMs);
    const shown = await greeted(quick, await prepareFirstStart(quick.services));
    const { stdout, stderr } = await greeted(slow, overtaken);
    assert.equal(stderr, takenBack);
    assert.ok(stdout.endsWith(listening), "the last word is that there is nothing to show");
    assert.equal(await logIn(quick, passwords(shown.stdout)[0]), true);
    assert.equal(await logIn(slow, passwords(stdout)[0]), false);
  });

  it("shows the password of its own second try when the node that took over crashed", async () => {
    const { clock, node } = fleet();
    const [slow, crashing] = [await node("slow"), await node("crashing")];
    const overtaken = await prepareFirstStart(slow.services);
    clock.jump(holdMs);
    await prepareFirstStart(crashing.services);
    clock.jump(holdMs);
    const { stdout, stderr } = await greeted(slow, overtaken);
    assert.equal(stderr, takenBack);
    const [first, second, ...more] = passwords(stdout);
    assert.deepEqual(more, []);
    assert.equal(await logIn(slow, first), false);
    assert.equal(await logIn(slow, second), true);
  });

  it("prints for machines one object a greeting; the last one holds", async () => {
    const { clock, node } = fleet();
    const [slow, quick] = [await node("slow"), await node("quick")];
    const overtaken = await prepareFirstStart(slow.services);
    clock.jump(holdMs);
    await greeted(quick, await prepareFirstStart(quick.services), { json: true });
    const { stdout } = await greeted(slow, overtaken, { json: true });
    const [first, last, ...more] = stdout.split("\n").map((line) => line && JSON.parse(line));
    assert.deepEqual(more, [""]);
    assert.equal(first.admin_password.length, 32);
    assert.deepEqual(last, { url, issuer: url });
  });

  it("takes the file back when another node took over, and writes that of its own second try", async (context) => {
    const directory = await mkdtemp(join(tmpdir(), "countersign-greet-"));
    context.after(() => rm(directory, { recursive: true }));
    const passwordFile = join(directory, "password");
    const { clock, node } = fleet();
    const [slow, quick] = [await node("slow"), await node("quick")];
    const overtaken = await prepareFirstStart(slow.services);
    clock.jump(holdMs);
    await greeted(quick, await prepareFirstStart(quick.services));
    const { stdout, stderr } = await greeted(slow, overtaken, { passwordFile });
    assert.equal(stderr, takenBack);
    assert.ok(stdout.endsWith(listening), stdout);
    await assert.rejects(readFile(passwordFile), { code: "ENOENT" });

    const other = fleet();
    const [slower, crashing] = [await other.node("slow"), await other.node("crashing")];
    const first = await prepareFirstStart(slower.services);
    other.clock.jump(holdMs);
    await prepareFirstStart(crashing.services);
    other.clock.jump(holdMs);
    await greeted(slower, first, { passwordFile });
    assert.equal(await logIn(slower, (await readFile(passwordFile, "utf8")).trim()), true);
  });
});

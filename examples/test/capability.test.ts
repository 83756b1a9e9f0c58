import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { type Authorities, startAuthorities } from "../capability/authorities.ts";
import { type Commands, makeCommands } from "./commands.ts";

/** The examples for capability tokens as a reader runs them: processes of their own, against authorities on sockets. */
describe("the examples for capability tokens", () => {
  let folder = "";
  let commands: Commands;
  let authorities: Authorities;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "countersign-capability-"));
    commands = await makeCommands();
    authorities = await startAuthorities(folder);
  });

  after(async () => {
    await authorities?.[Symbol.asyncDispose]();
    await commands?.remove();
    await rm(folder, { recursive: true });
  });

  /** The lines that an example prints; spans of time differ. */
  async function run(file: string): Promise<readonly string[]> {
    const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
    const [program, ...args] = file.endsWith(".sh")
      ? (["sh", path] as const)
      : ([process.execPath, "-C", "@countersign/source", path] as const);
    const home = await mkdtemp(join(folder, "home-"));
    const env = { ...process.env, NODE_NO_WARNINGS: "1", HOME: home, PATH: `${commands.path}:${process.env.PATH}` };
    const child = spawn(program, args, {
      env: { ...env, ...authorities.variables },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [output, said] = ["", ""];
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.stderr.on("data", (chunk) => {
      said += chunk;
    });
    const [code] = await once(child, "close");
    assert.equal(code, 0, `${output}${said}`);
    return output
      .trim()
      .replace(/in \d+ (\w+?)s?(?=\W)/g, "in N $1s")
      .split("\n");
  }

  it("12: an identity is handed to a laptop, and to an agent that may do less", async () => {
    assert.deepEqual(await run("12-identities.sh"), [
      "laptop may read",
      "laptop may write",
      "agent may read",
      "agent may not write",
      "the laptop is not urn:example:alice",
      "urn:example:alice: valid, in N minutes (saved token 'default')",
      "",
      "urn:example:alice  ends in N minutes  [default]",
      "├─ urn:example:alice:agent  ends in N minutes  [agent]",
      "└─ urn:example:alice:laptop  ends in N minutes  [laptop]",
    ]);
  });

  it("13: a request passes three services, and none of them can be gone around", async () => {
    assert.deepEqual(await run("13-service-chain.ts"), [
      "through the gateway: invoice 1, invoice 2",
      "around it to the ledger: 403",
      "straight to the archive: 403",
    ]);
  });

  it("14: a payment is good once the other authority has signed it off", async () => {
    assert.deepEqual(await run("14-payment.ts"), [
      "waits for finance",
      "before: signoff_missing",
      "after: good",
      "authority, signoff",
    ]);
  });

  it("15: an agent hands a narrower token to its sub-agent, and the tree shows it", async () => {
    assert.deepEqual(await run("15-agent.sh"), [
      "the agent cannot be the laptop",
      "the token is valid: urn:example:alice:agent:search may read notes",
      "urn:example:alice:agent:search: valid, in N seconds (saved token 'search')",
      "",
      "urn:example:alice  ends in N minutes  [owner]",
      "└─ urn:example:alice:agent  ends in N minutes  [agent]",
      "   └─ urn:example:alice:agent:search  ends in N seconds  [search]",
    ]);
  });
});

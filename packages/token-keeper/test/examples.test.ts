import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { startAuthority } from "./support/authority.ts";
import { aFolder } from "./support/context.ts";
import { startTokenServer } from "./support/token-server.ts";

const audience = "https://api.example";

async function run(name: string, environment: Record<string, string>): Promise<string> {
  const path = fileURLToPath(new URL(`../../../examples/token-keeper/${name}`, import.meta.url));
  const env = { ...process.env, NODE_NO_WARNINGS: "1", AUDIENCE: audience, ...environment };
  const child = spawn(process.execPath, ["-C", "@countersign/source", path], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  assert.deepEqual(await once(child, "close"), [0, null]);
  return output.trim();
}

async function aClient(authority: Awaited<ReturnType<typeof startAuthority>>) {
  const { client, secret = "" } = await authority.client({ token: { audience: [audience] } });
  return { ISSUER: authority.issuer, CLIENT_ID: client.clientId, CLIENT_SECRET: secret };
}

describe("the examples", () => {
  it("general-flow.ts gets a token, keeps it in a file, and starts from it again", async () => {
    await using authority = await startAuthority();
    await using folder = await aFolder();
    const environment = { ...(await aClient(authority)), TOKEN_FOLDER: `${folder.path}/tokens` };
    const expected = "first token: fresh, 900 s, printed as [redacted access token]";
    assert.equal(await run("general-flow.ts", environment), expected);
    assert.equal((await readdir(environment.TOKEN_FOLDER)).length, 1);
    // With the secret gone, only the file can answer.
    assert.equal(await run("general-flow.ts", { ...environment, CLIENT_SECRET: "wrong" }), expected);
  });

  it("authorized-fetch.ts calls an API with the token", async () => {
    await using authority = await startAuthority();
    await using api = await startTokenServer(({ headers }) => ({
      body: headers.authorization?.startsWith("Bearer ey"),
    }));
    assert.equal(await run("authorized-fetch.ts", { ...(await aClient(authority)), API: api.origin }), "200 true");
  });
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { parseQuote, toPem } from "@countersign/attestation";
import { createSimulatedPlatform } from "@countersign/attestation/simulated";
import { simulatedSource } from "@countersign/attestation/sources";
import {
  createAuthority,
  createKeyEncryptionKey,
  createMemoryStore,
  type HttpHandler,
  parseConfig,
} from "@countersign/authority";
import { serveAuthority } from "@countersign/authority/node";
import { systemClock, systemRandom } from "@countersign/protocol";

const AUDIENCE = "https://notes.example";
const example = join(import.meta.dirname, "../10-attested-resource-server.ts");
const folder = mkdtempSync(join(tmpdir(), "attested-"));
after(() => rmSync(folder, { recursive: true }));

const put = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const policyFor = (enclave: string) => `[[measurements]]\nkind = "sgx"\nmr_enclave = "${enclave.repeat(32)}"\n`;

/** Starts the example and asks it once. */
async function ask(
  env: Record<string, string>,
  token: string,
): Promise<{ status: number; body: object; said: string }> {
  const child = spawn(process.execPath, ["-C", "@countersign/source", example], {
    env: { ...process.env, ...env, PORT: "0" },
  });
  let said = "";
  child.stderr.on("data", (part) => {
    said += part;
  });
  try {
    const [line] = await once(child.stdout, "data");
    const url = /http:\S+/.exec(String(line))?.[0] ?? "";
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, body: Object(await response.json()), said };
  } finally {
    child.kill();
  }
}

describe("example 10: a resource server that wants evidence", () => {
  it("accepts a token of an attested key under a policy, and refuses it under another", async () => {
    const relay: { respond?: HttpHandler } = {};
    const served = await serveAuthority(
      { respond: async (...args) => (await relay.respond?.(...args)) ?? { status: 503, headers: {}, body: null } },
      { port: 0 },
    );
    const platform = await createSimulatedPlatform({ at: systemClock.now() });
    const authority = await createAuthority({
      config: parseConfig({ issuer: served.url, tokens: { audience: [AUDIENCE] }, keys: { algorithms: ["ES256"] } }),
      store: createMemoryStore({ clock: systemClock }),
      keyEncryptionKey: createKeyEncryptionKey(systemRandom.bytes(32)),
      evidence: simulatedSource({ platform }),
    });
    relay.respond = authority.respond;
    try {
      const { client, secret = "" } = await authority.services.clients.create(
        {
          clientName: "test",
          scopes: [],
          grants: ["client_credentials"],
          loopback: false,
          authMethod: "client_secret_basic",
          token: {},
          disabled: false,
        },
        "test",
      );
      const fields = { grant_type: "client_credentials", client_id: client.clientId, client_secret: secret };
      const issued = await fetch(`${served.url}/oauth/token`, { method: "POST", body: new URLSearchParams(fields) });
      const { access_token: token } = Object(await issued.json());
      const chain = parseQuote(await platform.sgxQuote(new Uint8Array(64))).signature.certificates;
      const ROOT = put("root.pem", toPem(chain.slice(2)));
      const common = { ISSUER: served.url, AUDIENCE, POLICY: put("good.toml", policyFor("e1")) };
      const good = await ask({ ...common, ROOT }, token);
      assert.equal(good.status, 200, good.said);
      assert.match(good.said, /attested/);
      const other = await ask({ ...common, ROOT, POLICY: put("other.toml", policyFor("00")) }, token);
      assert.notEqual(other.status, 200);
      assert.match(other.said, /the policy does not allow sgx/);
    } finally {
      await served.close();
      await authority.close();
    }
  });
});

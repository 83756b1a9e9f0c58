import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";

/** What a page does with capability tokens. */
const page = `
  import { KeyPair } from "@countersign/biscuit";
  import * as capability from "@countersign/protocol/capability";

  export async function run() {
    const clock = { now: () => 1_800_000_000_000 };
    const [root, gateway, finance] = await Promise.all(["ed25519", "ed25519", "secp256r1"].map((kind) => KeyPair.generate(kind)));
    const options = { rootKey: root.publicKey, clock };
    const subject = "urn:x:alice";
    const identity = await capability.mintIdentity(root, { subject, delegatable: true }, { clock });
    const delegated = await capability.delegateIdentity(identity.toBase64(), { identity: subject + ":laptop" }, options);
    const narrowed = await capability.narrowToken(delegated.toBase64(), options);
    const { actor } = await capability.authenticateIdentity(narrowed.toBase64(), {}, options);

    const right = { subject, resource: "invoices", operation: "read" };
    const nodes = [{ component: "gateway", publicKey: gateway.publicKey }];
    const parties = [{ component: "finance", publicKey: finance.publicKey.toString() }];
    const token = await capability.mintAuthorization(root, { ...right, serviceChain: nodes, parties }, { clock });
    const attested = await capability.attestService(token.toBase64(), { service: "invoices", key: gateway }, options);
    const refused = await capability
      .verifyAuthorization(attested.toBase64(), right, options)
      .catch((error) => [error.code, capability.isCapabilityRefusal(error, "signoff_missing") && error.data.component]);
    const signed = await capability.signOff(attested.toBase64(), { component: "finance", key: finance }, options);
    await capability.verifyAuthorization(signed.toBase64(), { ...right, serviceChain: { nodes } }, options);
    const told = await capability.inspectToken(signed.toBase64(), options);
    return JSON.stringify({ actor, refused, roles: told.blocks.map(({ role }) => role) });
  }
`;

describe("@countersign/protocol/capability in a browser", () => {
  it("needs nothing but WebCrypto and text coding", async () => {
    const { outputFiles } = await build({
      stdin: { contents: page, resolveDir: import.meta.dirname },
      bundle: true,
      platform: "browser",
      format: "iife",
      globalName: "page",
      target: "es2022",
      conditions: ["@countersign/source"],
      write: false,
    });
    const source = outputFiles[0]?.text ?? "";
    assert.ok(!/\bnode:/.test(source), "The bundle imports a module of Node");
    const context = createContext({ crypto: globalThis.crypto, TextEncoder, TextDecoder, atob, btoa });
    const result = await runInContext(`${source}; page.run()`, context);
    assert.deepEqual(JSON.parse(String(result)), {
      actor: "urn:x:alice:laptop",
      refused: ["signoff_missing", "finance"],
      roles: ["authority", "attestation", "signoff"],
    });
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { runInNewContext } from "node:vm";
import { KeyPair } from "@countersign/biscuit";
import { systemClock } from "@countersign/protocol";
import { mintIdentity } from "@countersign/protocol/capability";
import { build } from "esbuild";

describe("@countersign/sdk/offline", () => {
  it("is bundled for browsers and judges tokens where there is no Node", async () => {
    const entry = fileURLToPath(import.meta.resolve("@countersign/sdk/offline"));
    const { outputFiles, warnings } = await build({
      entryPoints: [entry],
      bundle: true,
      platform: "browser",
      conditions: ["@countersign/source"],
      format: "iife",
      globalName: "sdk",
      write: false,
    });
    assert.deepEqual(warnings, []);
    const root = await KeyPair.generate();
    const identity = await mintIdentity(root, { subject: "urn:x:alice" }, { clock: systemClock });
    const globals = { crypto, TextEncoder, TextDecoder, URL, AbortSignal, atob, btoa, performance };
    const verified: unknown = await runInNewContext(
      `${outputFiles[0]?.text}
       new sdk.LocalTokens({ publicKey }).verifyIdentityToken(token, "urn:x:alice").then(({ actor }) => actor)`,
      { ...globals, publicKey: root.publicKey.toPem(), token: identity.toBase64() },
    );
    assert.equal(verified, "urn:x:alice");
  });
});

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openAuthority } from "../src/open-authority.ts";
import { loadSettings } from "../src/settings.ts";
import { aWorld } from "./script-world.ts";

describe("openAuthority: the certificates that its server asks clients for", () => {
  const rows = [
    { tls: {}, expect: "none" },
    { tls: { cert: "server.pem", key: "server.key" }, expect: "self-signed" },
    { tls: { cert: "server.pem", key: "server.key", client_ca: "ca.pem" }, expect: "self-signed or trusted" },
  ];
  for (const { tls, expect } of rows) {
    it(`${expect}, with tls.${Object.keys(tls).join(", tls.")}`, async (context) => {
      const directory = mkdtempSync(join(tmpdir(), "countersign-certificates-"));
      const { settings } = loadSettings({ env: {}, flags: { data: join(directory, "data") } });
      const served = { ...settings, tls, keys: { ...settings.keys, algorithms: [] } };
      const authority = await openAuthority({ settings: served, issuer: "https://id.example" }, aWorld());
      context.after(async () => {
        await authority.close();
        rmSync(directory, { recursive: true });
      });
      assert.equal(authority.services.clientCertificates, expect);
    });
  }
});

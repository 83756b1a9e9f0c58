import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openAuthority } from "../src/open-authority.ts";
import { loadSettings } from "../src/settings.ts";
import { someTls } from "./capability/support.ts";
import { aWorld } from "./script-world.ts";

const tls = someTls();

describe("openAuthority: what clients of /ca_cert get", () => {
  const rows: readonly {
    readonly name: string;
    readonly text: string | undefined;
    readonly expect: number | RegExp;
  }[] = [
    { name: "the certificates of tls.ca", text: tls.ca, expect: 200 },
    { name: "nothing without it", text: undefined, expect: 404 },
    { name: "never a private key that stands beside them", text: tls.ca + tls.server.key, expect: 200 },
    { name: "nothing that is no certificate", text: "ca", expect: /no certificate/ },
  ];
  for (const { name, text, expect } of rows) {
    it(name, async (context) => {
      const directory = mkdtempSync(join(tmpdir(), "countersign-ca-"));
      context.after(() => rmSync(directory, { recursive: true }));
      const { settings } = loadSettings({ env: {}, flags: { data: join(directory, "data") } });
      const file = join(directory, "ca.crt");
      if (text !== undefined) writeFileSync(file, text);
      const served = {
        ...settings,
        tls: text === undefined ? {} : { ca: file },
        keys: { ...settings.keys, algorithms: [] },
      };
      const opening = openAuthority({ settings: served, issuer: "https://id.example" }, aWorld());
      if (expect instanceof RegExp) return assert.rejects(opening, expect);
      const authority = await opening;
      context.after(() => authority.close());
      const response = await authority.fetch(new Request("https://id.example/ca_cert"));
      assert.equal(response.status, expect);
      if (expect === 200) assert.equal(((await response.json()) as { ca_cert_pem: string }).ca_cert_pem, tls.ca);
    });
  }
});

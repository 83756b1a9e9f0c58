import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { promisify } from "node:util";
import { type TestAuthorityOptions, testAuthority } from "./support/authority.ts";
import { testTls } from "./support/tls.ts";

const tls = testTls();
const folder = await mkdtemp(join(tmpdir(), "countersign-sdk-"));
await writeFile(join(folder, "ca.pem"), tls.ca);
after(() => rm(folder, { recursive: true }));

/** Fetches the certificates in a process whose runtime trusts those of the tests, or does not. */
async function fetched(trusts: boolean, instead?: TestAuthorityOptions["instead"]): Promise<string> {
  const authority = await testAuthority({ tls, ...(instead && { instead }) });
  const code = `import { fetchCaCert } from ${JSON.stringify(import.meta.resolve("@countersign/sdk"))};
    console.log(await fetchCaCert(${JSON.stringify(authority.address)}).catch(({ code }) => code));`;
  const env = { ...process.env, ...(trusts ? { NODE_EXTRA_CA_CERTS: join(folder, "ca.pem") } : {}) };
  const args = ["-C", "@countersign/source", "--input-type=module", "-e", code];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  await authority.close();
  return stdout.trim();
}

describe("fetchCaCert()", () => {
  it("gives the certificates of a server that the runtime trusts", async () => {
    assert.equal(await fetched(true), tls.ca.trim());
  });

  it("refuses a server that the runtime does not trust, and what is no certificate", async () => {
    assert.equal(await fetched(false), "http_client");
    const body = { response_msg: "done", ca_cert_pem: "none" };
    assert.equal(await fetched(true, () => ({ status: 200, body })), "invalid_response");
  });
});

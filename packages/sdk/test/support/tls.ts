import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Certificate, makeCertificates } from "../../../token-keeper/test/support/certificates.ts";

/** What the tests connect with: certificates of one authority, and a client of another. */
export interface TestTls {
  readonly ca: string;
  readonly server: Certificate;
  readonly client: Certificate;
  readonly stranger: Certificate;
  readonly otherCa: string;
}

/** Whom the client's certificate names. */
export const alice = "urn:example:alice";

/** Makes them anew with openssl. */
export function testTls(): TestTls {
  const folder = mkdtempSync(join(tmpdir(), "countersign-sdk-"));
  try {
    const make = makeCertificates(folder);
    const [ca, other] = [make.authority("ca"), make.authority("other")];
    return {
      ca: ca.cert,
      otherCa: other.cert,
      server: make.sign("server", "ca", "IP:127.0.0.1"),
      client: make.sign("client", "ca", `URI:${alice}`),
      stranger: make.sign("stranger", "other", `URI:${alice}`),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

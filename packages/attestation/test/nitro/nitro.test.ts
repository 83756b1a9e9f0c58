import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AttestationPolicy, appraiseNitroDocument, compilePolicy, type NitroOptions } from "../../src/index.ts";
import type { ReasonCode } from "../../src/reasons.ts";
import { createSimulatedNitro, type SimulatedDocument } from "../../src/simulated/index.ts";
import { AT, DAY_MS } from "../support/forge.ts";

interface Input extends Partial<NitroOptions> {
  readonly content?: SimulatedDocument;
  readonly rules?: Partial<AttestationPolicy>;
  readonly bytes?: (document: Uint8Array) => Uint8Array;
}

const zeros = new Map(Array.from({ length: 16 }, (_, at) => [at, new Uint8Array(48)] as const));
const flip = (from: number) => (bytes: Uint8Array) =>
  bytes.map((byte, at) => (at === bytes.length - from ? byte ^ 1 : byte));

const ROWS: readonly [what: string, input: Input, expect: ReasonCode | "accept"][] = [
  ["an honest document", {}, "accept"],
  ["a simulated hypervisor where only AWS is trusted", { roots: [] }, "untrusted_root"],
  ["an enclave in debug mode", { content: { pcrs: zeros } }, "debug"],
  ["another image", { rules: { measurements: [{ kind: "nitro", pcr0: "00".repeat(48) }] } }, "measurement"],
  [
    "another role",
    { rules: { measurements: [{ kind: "nitro", pcr0: "01".repeat(48), pcr3: "00".repeat(48) }] } },
    "measurement",
  ],
  ["a document of last week", { content: { timestamp: AT - 7 * DAY_MS } }, "evidence_age"],
  ["a document of tomorrow", { content: { timestamp: AT + DAY_MS } }, "evidence_age"],
  ["a changed signature", { bytes: flip(1) }, "report_signature"],
  ["a changed payload", { bytes: flip(110) }, "report_signature"],
  ["bytes after the end", { bytes: (bytes) => Buffer.concat([bytes, Buffer.of(0)]) }, "cbor"],
  ["a cut document", { bytes: (bytes) => bytes.subarray(0, -1) }, "cbor"],
  ["a certificate that has expired", { at: AT + 400 * DAY_MS }, "certificate_time"],
  ["a clock at 1970", { at: 0 }, "clock"],
  [
    "a policy for enclaves of Intel",
    { rules: { measurements: [{ kind: "sgx", mrEnclave: "00".repeat(32) }] } },
    "evidence_kind",
  ],
  ["another instance", { rules: { platforms: ["i-other"] } }, "platform"],
];

describe("appraiseNitroDocument", async () => {
  const simulated = await createSimulatedNitro({ at: AT });
  for (const [what, { content, rules, bytes = (made: Uint8Array) => made, ...options }, expect] of ROWS) {
    it(`${what}: ${expect}`, async () => {
      const document = bytes(await simulated.document(content));
      const policy = compilePolicy({ measurements: [{ kind: "nitro", pcr0: "01".repeat(48) }], ...rules });
      const { accepted, reasons } = await appraiseNitroDocument(document, {
        at: AT,
        policy,
        roots: [simulated.root],
        ...options,
      });
      const codes = reasons.map(({ code }) => code);
      if (expect === "accept") assert.deepEqual([accepted, codes], [true, []]);
      else assert.deepEqual([accepted, codes.includes(expect)], [false, true], codes.join());
    });
  }

  it("gives what the enclave put into the document", async () => {
    const userData = new Uint8Array(64).fill(3);
    const policy = compilePolicy({ measurements: [{ kind: "nitro", pcr0: "01".repeat(48) }] });
    const nonce = Uint8Array.of(1, 2);
    const bytes = await simulated.document({ userData, nonce });
    const { document } = await appraiseNitroDocument(bytes, { at: AT, policy, roots: [simulated.root] });
    assert.deepEqual([document?.userData, document?.nonce, document?.publicKey], [userData, nonce, undefined]);
  });
});

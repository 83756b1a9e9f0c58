import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { toHex } from "../../src/encoding/text.ts";
import {
  type AttestationPolicy,
  appraiseSnpReport,
  compilePolicy,
  formatSnpEndorsements,
  parseCertificateTable,
  parseSnpEndorsements,
  type SnpOptions,
} from "../../src/index.ts";
import type { ReasonCode } from "../../src/reasons.ts";
import { createSimulatedSnp, type SimulatedGuest } from "../../src/simulated/index.ts";
import { AT, DAY_MS } from "../support/forge.ts";

const codesOf = ({ reasons }: { reasons: readonly { code: string }[] }) => reasons.map(({ code }) => code);

describe("a genuine SEV-SNP report", () => {
  const text = readFileSync(join(import.meta.dirname, "../fixtures/sev-snp-milan.json"), "utf8");
  const report = new Uint8Array(Buffer.from(JSON.parse(text).report, "base64"));
  const measurement = toHex(report.subarray(0x90, 0x90 + 48));
  const judge = (policy: Partial<AttestationPolicy>) =>
    appraiseSnpReport(report, {
      endorsements: parseSnpEndorsements(text),
      at: Date.parse("2023-01-01T00:00:00Z"),
      policy: compilePolicy({ measurements: [{ kind: "sev-snp", measurement }], ...policy }),
    });

  it("is verified up to AMD's root, and refused for its debug policy and the list that is missing", async () => {
    const appraisal = await judge({});
    assert.deepEqual(codesOf(appraisal), ["crl_missing", "debug"]);
    assert.equal(appraisal.root?.name, "ARK-Milan");
    assert.deepEqual(appraisal.tcb, { fmc: undefined, bootloader: 2, tee: 0, snp: 5, microcode: 68 });
  });

  it("is accepted where both are allowed", async () => {
    assert.deepEqual(codesOf(await judge({ allowDebug: true, allowMissingCrl: true })), []);
  });
});

type Change = (simulated: Awaited<ReturnType<typeof createSimulatedSnp>>) => Partial<SnpOptions> & {
  guest?: SimulatedGuest;
  rules?: Partial<AttestationPolicy>;
  bytes?: (report: Uint8Array) => Uint8Array;
};

const flip = (at: number) => (report: Uint8Array) => report.map((byte, place) => (place === at ? byte ^ 1 : byte));

const ROWS: readonly [what: string, change: Change, expect: ReasonCode | "accept"][] = [
  ["an honest report", () => ({}), "accept"],
  ["a simulated chip where only AMD is trusted", () => ({ roots: [] }), "untrusted_root"],
  ["a debug guest", () => ({ guest: { policy: Uint8Array.of(0, 0, 0x0b, 0, 0, 0, 0, 0) } }), "debug"],
  [
    "a guest with a migration agent",
    () => ({ guest: { policy: Uint8Array.of(0, 0, 7, 0, 0, 0, 0, 0) } }),
    "attributes",
  ],
  ["another measurement", () => ({ guest: { measurement: new Uint8Array(48) } }), "measurement"],
  ["another chip", () => ({ guest: { chipId: new Uint8Array(64) } }), "chip_mismatch"],
  ["another TCB", () => ({ guest: { tcb: new Uint8Array(8) } }), "chip_mismatch"],
  ["the key of a provider", () => ({ guest: { signingKey: 1 } }), "chip_mismatch"],
  ["a key of no kind", () => ({ guest: { signingKey: 7 } }), "chip_mismatch"],
  ["a changed report", () => ({ bytes: flip(0x60) }), "report_signature"],
  ["a changed signature", () => ({ bytes: flip(0x2a0) }), "report_signature"],
  ["a signature that is too long", () => ({ bytes: flip(0x2a0 + 60) }), "report_format"],
  ["bytes after the signature", () => ({ bytes: flip(1183) }), "report_format"],
  ["another algorithm", () => ({ bytes: flip(0x34) }), "report_signature"],
  ["another version", () => ({ bytes: flip(1) }), "report_format"],
  ["another length", () => ({ bytes: (report) => report.subarray(1) }), "report_format"],
  ["no revocation list", ({ endorsements }) => ({ endorsements: { ...endorsements, crl: undefined } }), "crl_missing"],
  ["a revocation list of the past", () => ({ at: AT + 60 * DAY_MS }), "crl_time"],
  [
    "the wrong intermediate",
    ({ endorsements }) => ({ endorsements: { ...endorsements, intermediate: endorsements.root } }),
    "signer_role",
  ],
  ["a clock at 1970", () => ({ at: 0 }), "clock"],
  [
    "a microcode that is too old",
    () => ({ rules: { measurements: [{ kind: "sev-snp", measurement: "a1".repeat(48), minimumMicrocode: 212 }] } }),
    "measurement",
  ],
];

describe("appraiseSnpReport", async () => {
  const simulated = await createSimulatedSnp({ at: AT });
  for (const [what, change, expect] of ROWS) {
    it(`${what}: ${expect}`, async () => {
      const { guest, rules, bytes = (report: Uint8Array) => report, ...options } = change(simulated);
      const report = bytes(await simulated.report(new Uint8Array(64).fill(7), guest));
      const policy = compilePolicy({ measurements: [{ kind: "sev-snp", measurement: "a1".repeat(48) }], ...rules });
      const { endorsements, root } = simulated;
      const appraisal = await appraiseSnpReport(report, { endorsements, at: AT, policy, roots: [root], ...options });
      if (expect === "accept") assert.deepEqual([appraisal.accepted, codesOf(appraisal)], [true, []]);
      else
        assert.deepEqual(
          [appraisal.accepted, codesOf(appraisal).includes(expect)],
          [false, true],
          codesOf(appraisal).join(),
        );
    });
  }

  it("refuses a chip whose issuer is revoked", async () => {
    const { endorsements, root, report } = await createSimulatedSnp({ at: AT, revoked: true });
    const policy = compilePolicy({ measurements: [{ kind: "sev-snp", measurement: "a1".repeat(48) }] });
    const options = { endorsements, at: AT, policy, roots: [root] };
    assert.deepEqual(codesOf(await appraiseSnpReport(await report(new Uint8Array(64)), options)), ["revoked"]);
  });

  it("writes and reads endorsements", () => {
    assert.deepEqual(parseSnpEndorsements(formatSnpEndorsements(simulated.endorsements)), simulated.endorsements);
  });
});

describe("parseCertificateTable", () => {
  const entry = (guid: string, offset: number, length: number) => {
    const bytes = Buffer.alloc(24);
    bytes.write(guid.replaceAll("-", ""), "hex");
    bytes.writeUInt32LE(offset, 16);
    bytes.writeUInt32LE(length, 20);
    return bytes;
  };
  const end = Buffer.alloc(24);

  it("finds the certificates by their identifiers", () => {
    const vcek = entry("63da758d-e664-4564-adc5-f4b93be8accd", 72, 2);
    const ask = entry("4ab7b379-bbac-4fe4-a02f-05aef327c782", 74, 1);
    const table = Buffer.concat([vcek, ask, end, Buffer.of(1, 2, 3)]);
    assert.deepEqual(parseCertificateTable(table), { leaf: Buffer.of(1, 2), intermediate: Buffer.of(3) });
  });

  it("refuses an entry past the end, and a table without one", () => {
    assert.throws(
      () => parseCertificateTable(Buffer.concat([entry("63da758d-e664-4564-adc5-f4b93be8accd", 72, 9), end])),
      {
        code: "report_format",
      },
    );
    assert.throws(() => parseCertificateTable(Buffer.alloc(10)), { code: "report_format" });
  });
});

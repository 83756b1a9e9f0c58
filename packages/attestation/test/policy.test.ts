import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AttestationPolicy, compilePolicy, readPolicyDocument } from "../src/index.ts";

const sgx = { kind: "sgx", mrEnclave: "e1".repeat(32) } as const;

/** Policies that say nothing that can be meant. */
const REFUSED: readonly [what: string, policy: unknown, expected: RegExp][] = [
  ["no measurement", { measurements: [] }, /names no measurement/],
  ["no list of measurements", {}, /names no measurement/],
  ["a kind that is not known", { measurements: [{ kind: "constructor" }] }, /no kind of evidence/],
  [
    "a signer alone",
    { measurements: [{ kind: "sgx", mrSigner: "51".repeat(32) }] },
    /needs mrEnclave, or mrSigner and isvProdId and/,
  ],
  ["a trust domain without MRTD", { measurements: [{ kind: "tdx", rtMr0: "00".repeat(48) }] }, /needs mrTd/],
  ["a measurement that is cut", { measurements: [{ kind: "sgx", mrEnclave: "e1" }] }, /32 bytes in hexadecimal/],
  ["a member that is misspelt", { measurements: [{ ...sgx, isvSvn: 1 }] }, /has no isvSvn/],
  ["a number that is text", { measurements: [{ ...sgx, isvProdId: "1" }] }, /not an integer/],
  ["a status that does not exist", { measurements: [sgx], tcbStatuses: ["Revoked"] }, /TCB status Revoked/],
  [
    "an attribute that does not exist",
    { measurements: [sgx], attributes: ["reserved bit 40"] },
    /attribute reserved bit 40/,
  ],
  ["an empty list of platforms", { measurements: [sgx], platforms: [] }, /list of platforms is empty/],
  ["a negative span", { measurements: [sgx], maxAgeMs: -1 }, /no span of time/],
  ["an evaluation number that is none", { measurements: [sgx], minimumEvaluationNumber: Number.NaN }, /no integer/],
];

describe("compilePolicy", () => {
  for (const [what, policy, expected] of REFUSED) {
    it(`refuses ${what}`, () => {
      assert.throws(() => compilePolicy(policy as AttestationPolicy), { name: "TypeError", message: expected });
    });
  }

  it("accepts nothing weak by default", () => {
    const { allowDebug, allowMissingCrl, tcbStatuses, attributes, advisories, collateralGraceMs } = compilePolicy({
      measurements: [sgx],
    });
    assert.deepEqual([allowDebug, allowMissingCrl, collateralGraceMs], [false, false, 0]);
    assert.deepEqual([[...tcbStatuses], [...attributes], [...(advisories ?? ["any"])]], [["UpToDate"], [], []]);
  });

  it("holds every member of a rule, whatever the case of its digits", () => {
    const { allows } = compilePolicy({
      measurements: [{ ...sgx, mrEnclave: sgx.mrEnclave.toUpperCase(), isvProdId: 1, minimumIsvSvn: 2 }],
    });
    const facts = (isvProdId: number, isvSvn: number) =>
      ({ kind: "sgx", values: { mrEnclave: sgx.mrEnclave, isvProdId, isvSvn } }) as const;
    assert.deepEqual([facts(1, 2), facts(1, 3), facts(1, 1), facts(2, 2)].map(allows), [true, true, false, false]);
    assert.equal(allows({ kind: "sgx", values: {} }), false);
  });
});

describe("readPolicyDocument", () => {
  it("reads the members in snake case", () => {
    const policy = readPolicyDocument({
      measurements: [{ kind: "tdx", mr_td: "d1".repeat(48), rt_mr0: "00".repeat(48) }],
      tcb_statuses: ["OutOfDate"],
      max_age_ms: 5,
      advisories: "any",
    });
    assert.deepEqual(policy.measurements, [{ kind: "tdx", mrTd: "d1".repeat(48), rtMr0: "00".repeat(48) }]);
    const compiled = compilePolicy(policy);
    assert.deepEqual(
      [compiled.maxAgeMs, compiled.advisories, [...compiled.tcbStatuses]],
      [5, undefined, ["OutOfDate"]],
    );
  });

  for (const [what, document] of Object.entries({
    "a list": [],
    "a member that is not known": { alow_debug: true },
    "a flag that is text": { allow_debug: "false" },
    "measurements that are no list": { measurements: {} },
    "a measurement that is text": { measurements: ["sgx"] },
    "advisories that are text": { advisories: "some" },
  })) {
    it(`refuses ${what}`, () => {
      assert.throws(() => readPolicyDocument(document), TypeError);
    });
  }
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keyRefusals, refusalReasons } from "../src/index.ts";
import type { Row } from "./security/case.ts";
import { claimRows } from "./security/claims.ts";
import { headerRows, keyUrlRow } from "./security/headers.ts";
import { signatureRows } from "./security/signatures.ts";

const rows: readonly Row[] = [...signatureRows, ...headerRows, ...claimRows, keyUrlRow("http://127.0.0.1:1")];

/** The reasons that no single token or key can give; each has a test beside what gives it. */
const reachedElsewhere = {
  json_too_large: "json.test.ts",
  ambiguous_key: "jwt.test.ts",
  malformed_key_set: "jwks.test.ts",
  keys_unavailable: "key-cache.test.ts",
  not_an_object: "jwks.test.ts",
  private_key: "jwks.test.ts",
  duplicate_key_id: "jwks.test.ts",
};

describe("refusalReasons and keyRefusals", () => {
  it("have no reason that is never given", () => {
    const reached = new Set<string>(Object.keys(reachedElsewhere));
    for (const row of rows) {
      for (const { expect } of row.tokens ?? []) reached.add(expect);
      for (const { refused } of row.keys ?? []) reached.add(refused);
    }
    const all = [...Object.keys(refusalReasons), ...Object.keys(keyRefusals)];
    assert.deepEqual(
      all.filter((reason) => !reached.has(reason)),
      [],
    );
  });

  it("cover the rows of the catalogue that a verifier can meet", () => {
    const ofTheAuthority = ["A44", "A46", "A47"];
    const ids = new Set([...rows.map(({ id }) => id), ...ofTheAuthority]);
    assert.deepEqual(
      Array.from({ length: 47 }, (_, index) => `A${index + 1}`).filter((id) => !ids.has(id)),
      [],
    );
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseQuote } from "../../src/quote/quote.ts";
import { createFixture, honestQuote, td15Quote } from "../support/forge.ts";

const refused = { name: "AttestationError" };

/** Writes an integer over bytes of a quote, least significant byte first. */
function patched(quote: Uint8Array, at: number, value: number, length: number): Uint8Array {
  const copy = Uint8Array.from(quote);
  for (let place = 0; place < length; place++) copy[at + place] = Math.floor(value / 256 ** place) % 256;
  return copy;
}

describe("parseQuote", async () => {
  const sgx = await honestQuote(await createFixture("sgx"));
  const fixture = await createFixture("tdx");
  const tdx = await honestQuote(fixture);
  const later = await td15Quote(fixture);

  it("refuses a quote cut off at every byte", () => {
    for (const quote of [sgx, tdx, later]) {
      for (let length = 0; length < quote.length; length++) {
        assert.throws(() => parseQuote(quote.subarray(0, length)), refused, `${length} bytes`);
      }
    }
  });

  for (const [what, quote, code] of [
    ["version 2", patched(sgx, 0, 2, 2), "quote_version"],
    ["version 65535", patched(sgx, 0, 0xffff, 2), "quote_version"],
    ["version 3 of a trust domain", patched(sgx, 4, 0x81, 4), "quote_version"],
    ["version 4 with another TEE", patched(tdx, 4, 0x82, 4), "quote_version"],
    ["another attestation key", patched(sgx, 2, 3, 2), "quote_key_type"],
    ["signature data that is too short", patched(sgx, 432, 100, 4), "quote_format"],
    ["signature data past the end", patched(sgx, 432, 0xffffffff, 4), "quote_format"],
    ["authentication data past the end", patched(sgx, 1012, 0xffff, 2), "quote_format"],
    ["certification data of another type", patched(sgx, 1046, 3, 2), "certification_data"],
    ["certification data that is too short", patched(sgx, 1048, 10, 4), "quote_format"],
    ["certification data of version 4 without its frame", patched(tdx, 48 + 584 + 4 + 128, 5, 2), "certification_data"],
    ["a body of another type", patched(later, 48, 4, 2), "quote_version"],
    ["an enclave in the quote of a trust domain", patched(later, 48, 1, 2), "quote_version"],
    ["a body of another length", patched(later, 50, 584, 4), "quote_format"],
    ["more than is read", new Uint8Array(40_000), "size"],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parseQuote(quote), { code });
    });
  }
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { errorCatalogue, TokenError, type TokenErrorCode } from "@countersign/token-keeper";

describe("TokenError", () => {
  for (const [code, { retryable, hint }] of Object.entries(errorCatalogue)) {
    it(`${code} says whether to retry and what to do`, () => {
      // The catalogue's keys are the codes.
      const error = new TokenError(code as TokenErrorCode, "Cannot");
      assert.equal(error.retryable, retryable);
      assert.match(hint, /^[A-Z].*[^.]$/);
    });
  }
});

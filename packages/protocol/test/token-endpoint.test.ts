import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CountersignError, type ErrorCode, errorCatalogue, errorResponse } from "../src/index.ts";

describe("errorResponse", () => {
  it("shows code and hint, and nothing of the detail or the cause", () => {
    const error = new CountersignError("invalid_grant", { detail: "private", cause: new Error("private") });
    assert.deepEqual(errorResponse(error), {
      error: "invalid_grant",
      error_description: errorCatalogue.invalid_grant.hint,
    });
  });

  it("keeps to the characters of RFC 6749 section 5.2 for the whole catalogue", () => {
    for (const code of Object.keys(errorCatalogue) as ErrorCode[]) {
      const { error, error_description = "" } = errorResponse(new CountersignError(code));
      for (const text of [error, error_description]) assert.match(text, /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
    }
  });
});

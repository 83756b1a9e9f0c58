import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkNewPassword, commonPasswords, opaquePassword } from "../../src/values/password.ts";

const long = "x".repeat(71);

const good: readonly { readonly id: string; readonly text: string; readonly hashed?: string }[] = [
  { id: "8 characters", text: "tr0ub4d&" },
  { id: "64 characters", text: "k".repeat(64) },
  { id: "1024 bytes", text: "k".repeat(1024) },
  { id: "a leading space, which is kept", text: " leading space" },
  { id: "a no-break space, which is a plain one", text: "correct\u00A0horse", hashed: "correct horse" },
  { id: "NFD, which is hashed as NFC", text: "passe\u0301-partout", hashed: "pass\u00E9-partout" },
  { id: "capitals, which are kept", text: "CORRECT Horse" },
  { id: "emoji", text: "😀😀😀😀😀😀😀😀" },
];

const bad: readonly { readonly id: string; readonly text: string }[] = [
  { id: "empty", text: "" },
  { id: "1 character", text: "a" },
  { id: "7 characters", text: "tr0ub4d" },
  { id: "7 characters in 28 bytes", text: "😀😀😀😀😀😀😀" },
  { id: "1025 bytes", text: "k".repeat(1025) },
  { id: "1026 bytes in 342 characters", text: "€".repeat(342) },
  { id: "1 MB", text: "k".repeat(1_048_576) },
  { id: "NUL inside", text: "correct\0horse" },
  { id: "a newline", text: "correct\nhorse" },
  { id: "a C1 control", text: "correct\x85horse" },
  { id: "a lone surrogate", text: "correct\uD800horse" },
  { id: "the username", text: "Alice.Smith" },
  { id: "a common password", text: "Password123" },
];

describe("checkNewPassword", () => {
  for (const { id, text, hashed = text } of good) {
    it(`D5 takes ${id}`, () => assert.equal(checkNewPassword(text, "alice.smith"), hashed));
  }

  for (const { id, text } of bad) {
    it(`D5 refuses ${id}`, () =>
      assert.throws(() => checkNewPassword(text, "alice.smith"), { code: "invalid_password" }));
  }
});

describe("opaquePassword", () => {
  it("D5 keeps passwords apart that differ after 72 bytes", () => {
    assert.notEqual(opaquePassword(`${long}a-1`), opaquePassword(`${long}a-2`));
  });

  it("gives no form to text that cannot be a password", () => {
    assert.deepEqual(["k".repeat(1025), "a\0b", "\uD800"].map(opaquePassword), [undefined, undefined, undefined]);
  });
});

describe("commonPasswords", () => {
  it("holds only what the other rules would let through", () => {
    for (const password of commonPasswords)
      assert.ok(password.length >= 8 && password === password.toLowerCase(), password);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { macInput, parseRefreshText } from "../../src/grants/refresh-text.ts";

const text = { familyId: "f".repeat(22), generation: 7, secret: "s".repeat(43), mac: "m".repeat(22) };
const token = `${macInput(text)}.${text.mac}`;

describe("parseRefreshText", () => {
  it("reads what was printed", () => assert.deepEqual(parseRefreshText(token), text));

  for (const [name, other] of [
    ["nothing", ""],
    ["another prefix", token.replace("csr_", "csk_")],
    ["text before it", ` ${token}`],
    ["text behind it", `${token}\n`],
    ["no MAC", macInput(text)],
    ["a generation with a leading zero", token.replace(".7.", ".07.")],
    ["a generation beyond exact numbers", token.replace(".7.", `.${"9".repeat(16)}.`)],
    ["a negative generation", token.replace(".7.", ".-1.")],
    ["a letter that is no base64url", token.replace("f", "+")],
  ] as const) {
    it(`takes no refresh token from ${name}`, () => assert.equal(parseRefreshText(other), undefined));
  }
});

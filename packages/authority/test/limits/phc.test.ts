import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parsePhc, printPhc } from "../../src/limits/phc.ts";

const salt = Buffer.alloc(16, 1);
const tag = Buffer.alloc(32, 2);
const cost = { memoryKib: 19_456, passes: 2, lanes: 1 };
const phc = `$argon2id$v=19$m=19456,t=2,p=1$${"AQEB".repeat(5)}AQ$${"AgIC".repeat(10)}AgI`;

const unreadable = [
  "",
  "secret",
  phc.replace("argon2id", "argon2i"),
  phc.replace("v=19", "v=16"),
  phc.replace("m=19456", "m=7"),
  phc.replace("m=19456", "m=65537"),
  phc.replace("t=2", "t=0"),
  phc.replace("p=1", "p=0"),
  phc.replace("t=2,p=1", "p=1,t=2"),
  `${phc}=`,
  `${phc}\n`,
  phc.slice(0, -30),
  phc.replace("AQEBAQEBAQEBAQ", ""),
];

describe("parsePhc", () => {
  it("reads what printPhc writes", () => {
    assert.equal(printPhc({ cost, salt, tag }), phc);
    assert.deepEqual(parsePhc(phc), { cost, salt, tag });
  });

  for (const text of unreadable) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parsePhc(text), undefined));
  }
});

import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import { describe, it } from "node:test";
import { systemClock } from "@countersign/protocol";
import { seededRandom } from "@countersign/protocol/testing";
import { createKeyEncryptionKey } from "../../src/keys/key-encryption-key.ts";
import { decryptTokenBrokerFile } from "../../src/policy/token-broker-rules.ts";
import { admitRulesVersion } from "../../src/policy-store/rules-version.ts";
import {
  openSealedRules,
  readSealedRules,
  type SealedRules,
  SealedRulesError,
  sealRules,
} from "../../src/policy-store/sealed-rules.ts";
import { createMemoryStore } from "../../src/store/memory.ts";

const random = seededRandom(7);
const keyEncryptionKey = createKeyEncryptionKey(random.bytes(32));
const document = 'format = "countersign-policy/1"\nversion = 3\n';
const seal = (version: number, text = document) => sealRules(text, { keyEncryptionKey, random, version });

describe("sealed rules (C33)", () => {
  it("open to what was sealed", async () => {
    const read = readSealedRules(JSON.stringify(await seal(3)));
    assert.ok(read);
    assert.equal(await openSealedRules(read, keyEncryptionKey), document);
  });

  it("do not show what they say, and are never the same twice", async () => {
    const [one, other] = [await seal(3), await seal(3)];
    assert.ok(!JSON.stringify(one).includes(Buffer.from(document).toString("base64url").slice(0, 20)));
    assert.notEqual(one.text, other.text);
  });

  it("notice each flipped bit of what is encrypted", async () => {
    const sealed = await seal(3);
    for (const member of ["wrapped", "text"] as const) {
      const bytes = Buffer.from(sealed[member], "base64url");
      for (let bit = 0; bit < bytes.length * 8; bit += 5) {
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        await assert.rejects(
          openSealedRules({ ...sealed, [member]: flipped.toString("base64url") }, keyEncryptionKey),
          SealedRulesError,
        );
      }
    }
  });

  const changes: Readonly<Record<string, (one: SealedRules, other: SealedRules) => object>> = {
    "another version": (one) => ({ ...one, version: 4 }),
    "the text of another file": (one, other) => ({ ...one, text: other.text }),
    "the key of another file": (one, other) => ({ ...one, wrapped: other.wrapped }),
  };
  for (const [name, change] of Object.entries(changes)) {
    it(`do not open with ${name}`, async () => {
      const read = readSealedRules(JSON.stringify(change(await seal(3), await seal(5))));
      assert.ok(read);
      await assert.rejects(openSealedRules(read, keyEncryptionKey), SealedRulesError);
    });
  }

  it("do not open with another key, and say which one they want", async () => {
    const other = createKeyEncryptionKey(random.bytes(32));
    const sealed = await seal(3);
    await assert.rejects(openSealedRules(sealed, other), (error: Error) => error.message.includes(sealed.key));
  });

  it("are sealed under no key of zeros", () => {
    assert.throws(() => createKeyEncryptionKey(new Uint8Array(32)), RangeError);
  });

  for (const text of ["", "{}", "[1]", '{"format":"countersign-sealed-rules/2"}', document]) {
    it(`are not: ${JSON.stringify(text)}`, () => assert.equal(readSealedRules(text), undefined));
  }
});

describe("admitRulesVersion", () => {
  it("takes a version again and a higher one, and neither a lower one nor another file of the same", async () => {
    const store = createMemoryStore({ clock: systemClock });
    await admitRulesVersion(store, 3, "three");
    await admitRulesVersion(store, 3, "three");
    await assert.rejects(admitRulesVersion(store, 3, "another three"), SealedRulesError);
    await admitRulesVersion(store, 5, "five");
    await assert.rejects(admitRulesVersion(store, 4, "four"), /version 5 ran before/);
    await admitRulesVersion(store, 5, "five");
    await store.close();
  });
});

describe("a file of confidential-token-broker", () => {
  it("is read with the key of zeros, whoever wrote it", () => {
    const json = '{"configs":[]}';
    assert.equal(decryptTokenBrokerFile(encrypted(json)), json);
  });
});

function encrypted(text: string): Uint8Array {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16));
  return Buffer.concat([cipher.update(text), cipher.final()]);
}

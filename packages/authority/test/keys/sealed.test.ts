import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Random } from "@countersign/protocol";
import { seededRandom } from "@countersign/protocol/testing";
import { createKeyEncryptionKey } from "../../src/keys/key-encryption-key.ts";
import { type SealContext, type Sealed, seal, unseal } from "../../src/keys/sealed.ts";

const random = seededRandom("sealed");
const keyEncryptionKey = createKeyEncryptionKey(random.bytes(32), random);
const context: SealContext = { kid: "key-1", algorithm: "ES256", purpose: "sign", version: 1 };
const secret = Buffer.from("a private key");

function flipBit(text: string, byte: number): string {
  const bytes = Buffer.from(text, "base64url");
  const at = byte < 0 ? bytes.length + byte : byte;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes.toString("base64url");
}

describe("seal", () => {
  it("gives back through unseal what it took", async () => {
    const sealed = await seal(secret, context, { keyEncryptionKey, random });
    assert.deepEqual(Buffer.from(await unseal(sealed, context, keyEncryptionKey)), secret);
  });

  it("never writes the same twice, and never the secret", async () => {
    const first = await seal(secret, context, { keyEncryptionKey, random });
    const second = await seal(secret, context, { keyEncryptionKey, random });
    assert.notEqual(first.key, second.key);
    assert.notEqual(first.text, second.text);
    assert.ok(!Buffer.from(first.text, "base64url").includes(secret));
  });

  it("uses a data-encryption key of 256 bits that is not the key-encryption key", async () => {
    const wrapped: Uint8Array[] = [];
    const recording = {
      ...keyEncryptionKey,
      wrap: (dataKey: Uint8Array, data: Uint8Array) => {
        wrapped.push(dataKey.slice());
        return keyEncryptionKey.wrap(dataKey, data);
      },
    };
    await seal(secret, context, { keyEncryptionKey: recording, random });
    await seal(secret, context, { keyEncryptionKey: recording, random });
    assert.deepEqual(
      wrapped.map((dataKey) => dataKey.length),
      [32, 32],
    );
    assert.notDeepEqual(wrapped[0], wrapped[1]);
  });

  it("refuses a source of randomness that gives zeros", async () => {
    const zeros: Random = { bytes: (length) => new Uint8Array(length) };
    await assert.rejects(seal(secret, context, { keyEncryptionKey, random: zeros }), /equal bytes/);
  });
});

describe("unseal (F5)", () => {
  const other = createKeyEncryptionKey(seededRandom("other").bytes(32), random);
  type Row = {
    readonly id: string;
    readonly change?: (sealed: Sealed) => Sealed;
    readonly context?: Partial<SealContext>;
    readonly with?: typeof other;
    readonly expect: RegExp;
  };
  const rows: readonly Row[] = [
    { id: "another key-encryption key", with: other, expect: /sealed under key-encryption key/ },
    {
      id: "another key-encryption key under the same id",
      with: { ...other, id: keyEncryptionKey.id },
      expect: /was changed/,
    },
    { id: "the row of another key", context: { kid: "key-2" }, expect: /was changed, or moved/ },
    { id: "another algorithm", context: { algorithm: "RS256" }, expect: /was changed, or moved/ },
    { id: "another purpose", context: { purpose: "derive" }, expect: /was changed, or moved/ },
    { id: "another version", context: { version: 2 }, expect: /was changed, or moved/ },
    { id: "text: IV", change: (s) => ({ ...s, text: flipBit(s.text, 0) }), expect: /was changed/ },
    { id: "text: ciphertext", change: (s) => ({ ...s, text: flipBit(s.text, 12) }), expect: /was changed/ },
    { id: "text: tag", change: (s) => ({ ...s, text: flipBit(s.text, -1) }), expect: /was changed/ },
    { id: "key: IV", change: (s) => ({ ...s, key: flipBit(s.key, 0) }), expect: /was changed/ },
    { id: "key: ciphertext", change: (s) => ({ ...s, key: flipBit(s.key, 12) }), expect: /was changed/ },
    { id: "key: tag", change: (s) => ({ ...s, key: flipBit(s.key, -1) }), expect: /was changed/ },
    { id: "text shorter than its tag", change: (s) => ({ ...s, text: s.text.slice(0, 8) }), expect: /was changed/ },
    { id: "no base64url", change: (s) => ({ ...s, text: `${s.text}=` }), expect: /was changed/ },
    { id: "empty", change: (s) => ({ ...s, text: "", key: "" }), expect: /was changed/ },
  ];
  for (const row of rows) {
    it(`refuses: ${row.id}`, async () => {
      const sealed = await seal(secret, context, { keyEncryptionKey, random });
      const changed = row.change?.(sealed) ?? sealed;
      const opening = unseal(changed, { ...context, ...row.context }, row.with ?? keyEncryptionKey);
      await assert.rejects(opening, row.expect);
    });
  }

  it("refuses the text of one row under the data-encryption key of another", async () => {
    const first = await seal(secret, context, { keyEncryptionKey, random });
    const second = await seal(secret, context, { keyEncryptionKey, random });
    await assert.rejects(unseal({ ...first, key: second.key }, context, keyEncryptionKey), /was changed/);
  });
});

describe("createKeyEncryptionKey", () => {
  const rows = [
    { id: "zeros", bytes: new Uint8Array(32) },
    { id: "one byte repeated", bytes: new Uint8Array(32).fill(0x61) },
    { id: "31 bytes", bytes: seededRandom(1).bytes(31) },
    { id: "33 bytes", bytes: seededRandom(1).bytes(33) },
    { id: "nothing", bytes: new Uint8Array(0) },
  ];
  for (const { id, bytes } of rows) {
    it(`refuses ${id}`, () => assert.throws(() => createKeyEncryptionKey(bytes), RangeError));
  }

  it("has an id that tells keys apart and does not hold the key", () => {
    const bytes = seededRandom(1).bytes(32);
    const { id } = createKeyEncryptionKey(bytes);
    assert.equal(id, createKeyEncryptionKey(bytes).id);
    assert.notEqual(id, keyEncryptionKey.id);
    assert.ok(!Buffer.from(bytes).toString("base64url").includes(id));
  });
});

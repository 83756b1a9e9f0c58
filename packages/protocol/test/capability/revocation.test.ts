import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Biscuit, SignatureCache } from "@countersign/biscuit";
import {
  delegateIdentity,
  inspectToken,
  isCapabilityRefusal,
  mintAuthorization,
  mintIdentity,
  type OpenOptions,
  verifyAuthorization,
  verifyIdentity,
} from "../../src/capability/index.ts";
import { alice, at, keys, publicKey, right } from "./fixtures.ts";
import { fieldsOf } from "./wire.ts";

const minted = (): Promise<Biscuit> => mintIdentity(keys.root, { subject: alice, delegatable: true }, at());

const delegated = (token: Biscuit, name: string): Promise<Biscuit> =>
  delegateIdentity(token.toBytes(), { identity: `${alice}:${name}` }, at());

/** Whether each token holds when this id is revoked. */
async function held(tokens: readonly Biscuit[], revokedId: string, options: Partial<OpenOptions> = {}) {
  const opened = { ...at(), ...options, revoked: new Set([revokedId]) };
  return Promise.all(
    tokens.map(async (token) => {
      try {
        await inspectToken(token.toBytes(), opened);
        return true;
      } catch (error) {
        assert.ok(isCapabilityRefusal(error, "token_revoked"));
        return false;
      }
    }),
  );
}

/** The order of the group of P-256 (SEC 2 section 2.4.2). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

function integer(value: bigint): number[] {
  const hex = value.toString(16);
  const bytes = [...Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex")];
  const content = (bytes[0] ?? 0) > 127 ? [0, ...bytes] : bytes;
  return [2, content.length, ...content];
}

/** The other form of an ECDSA signature in DER: (r, n - s), which anybody can make of (r, s). */
function otherForm(signature: Uint8Array): Uint8Array {
  const rLength = signature[3] ?? 0;
  const read = (from: number, length: number) =>
    BigInt(`0x${Buffer.from(signature.slice(from, from + length)).toString("hex")}`);
  const r = read(4, rLength);
  const s = read(6 + rLength, signature[5 + rLength] ?? 0);
  const content = [...integer(r), ...integer(ORDER - s)];
  return Uint8Array.of(48, content.length, ...content);
}

const lengthOf = (length: number): number[] =>
  length < 128 ? [length] : [(length % 128) + 128, Math.floor(length / 128)];

/** The token with the signature of its authority block in the other form. */
function rewritten(token: Uint8Array): Uint8Array {
  const fields = fieldsOf(token);
  const [authority, ...rest] = fields;
  assert.ok(authority?.value instanceof Uint8Array && authority.number === 2);
  const content = fieldsOf(authority.value).flatMap(({ number, value, bytes }) => {
    if (number !== 3 || !(value instanceof Uint8Array)) return [...bytes];
    const signature = otherForm(value);
    return [26, ...lengthOf(signature.length), ...signature];
  });
  return Uint8Array.from([18, ...lengthOf(content.length), ...content, ...rest.flatMap(({ bytes }) => [...bytes])]);
}

describe("revocation", () => {
  it("of an authority block ends every token made of it, and no other", async () => {
    const token = await minted();
    const laptop = await delegated(token, "laptop");
    const others = [await minted(), token, laptop, await delegated(laptop, "laptop:app")];
    assert.deepEqual(await held(others, token.revocationIds[0] ?? ""), [true, false, false, false]);
  });

  it("of a delegation ends the tokens below it, and not what it was made of", async () => {
    const token = await minted();
    const laptop = await delegated(token, "laptop");
    const tokens = [token, await delegated(token, "phone"), laptop, await delegated(laptop, "laptop:app")];
    assert.deepEqual(await held(tokens, laptop.revocationIds[1] ?? ""), [true, true, false, false]);
  });

  it("says which block was revoked", async () => {
    const laptop = await delegated(await minted(), "laptop");
    const revokedId = laptop.revocationIds[1] ?? "";
    const options = { ...at(), revoked: new Set([revokedId]) };
    await assert.rejects(verifyIdentity(laptop.toBytes(), { identity: `${alice}:laptop` }, options), (error) => {
      return (
        isCapabilityRefusal(error, "token_revoked") && error.data.block === 1 && error.data.revocationId === revokedId
      );
    });
  });

  it("is looked up for tokens that are known, too", async () => {
    const cache = new SignatureCache();
    const token = await minted();
    for (let i = 0; i < 3; i++) await inspectToken(token.toBytes(), { ...at(), cache });
    assert.deepEqual(await held([token], token.revocationIds[0] ?? "", { cache }), [false]);
  });

  it("by normalized id reaches a token whose P-256 signature was written in the other form", async () => {
    const token = await mintAuthorization(keys.risk, right, at());
    const options = { ...at(), rootKey: publicKey("risk") };
    const changed = rewritten(token.toBytes());
    const told = await inspectToken(changed, options);
    assert.notDeepEqual(told.revocationIds, token.revocationIds);
    assert.deepEqual(told.normalizedRevocationIds, token.normalizedRevocationIds);
    await verifyAuthorization(changed, right, options);
    const revoked = new Set(token.normalizedRevocationIds);
    await assert.rejects(verifyAuthorization(changed, right, { ...options, revoked }), (error) =>
      isCapabilityRefusal(error, "token_revoked"),
    );
  });

  it("by the id as it is reaches a P-256 token in either form", async () => {
    const token = await mintAuthorization(keys.risk, right, at());
    const options = { ...at(), rootKey: publicKey("risk") };
    for (const form of [token.toBytes(), rewritten(token.toBytes())]) {
      const revoked = new Set((await inspectToken(form, options)).revocationIds);
      await assert.rejects(inspectToken(form, { ...options, revoked }), { code: "token_revoked" });
    }
  });
});

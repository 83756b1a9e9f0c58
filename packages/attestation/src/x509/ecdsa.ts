import { DerReader, readOne, TAG } from "../der/reader.ts";
import { unsigned } from "../der/values.ts";
import { integer, sequence } from "../der/writer.ts";
import { concatBytes } from "../encoding/bytes.ts";
import { fromHex } from "../encoding/text.ts";
import { ensure } from "../errors.ts";

/** An ECDSA signature in DER as r and s of fixed length. */
export function ecdsaToRaw(der: Uint8Array, size: number, what: string): Uint8Array<ArrayBuffer> {
  const reader = new DerReader(readOne(der, what).content);
  const parts = ["r", "s"].map((name) => {
    const part = unsigned(reader.next(`${what}, ${name}`, TAG.integer), what);
    ensure(part.length <= size, "der", `Cannot read ${what}: ${name} is too large`);
    return concatBytes(new Uint8Array(size - part.length), part);
  });
  reader.end(what);
  return concatBytes(...parts);
}

/** An ECDSA signature as r and s of fixed length in DER. */
export function ecdsaToDer(raw: Uint8Array): Uint8Array<ArrayBuffer> {
  const half = raw.length / 2;
  return sequence(integer(raw.subarray(0, half)), integer(raw.subarray(half)));
}

/** What comes before the point in the SubjectPublicKeyInfo of a key on P-256. */
const P256_PREFIX = fromHex("3059301306072a8648ce3d020106082a8648ce3d03010703420004", "a constant");

/** A key on P-256, x and y of 32 bytes each, as SubjectPublicKeyInfo. */
export const p256Spki = (point: Uint8Array): Uint8Array<ArrayBuffer> => concatBytes(P256_PREFIX, point);

import { hash, timingSafeEqual } from "node:crypto";

const CANONICAL_BASE64URL = /^[A-Za-z0-9_-]*$/;

/** Bytes as base64url without padding (RFC 7515 section 2). */
export function toBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url");
}

/**
 * Bytes of canonical base64url text, or `undefined`: padding, white space, another alphabet and set trailing bits are
 * refused, so that one byte string has one text (RFC 4648 section 3.5).
 */
export function fromBase64url(text: string): Uint8Array | undefined {
  if (!CANONICAL_BASE64URL.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? new Uint8Array(bytes) : undefined;
}

/** SHA-256 of text (as UTF-8) or bytes, as base64url. */
export function sha256(data: string | Uint8Array): string {
  return hash("sha256", data, "base64url");
}

/** Compares two texts in a time that does not depend on where they differ; of texts of different length it tells that. */
export function equalInConstantTime(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

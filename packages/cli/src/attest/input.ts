import { readFileSync } from "node:fs";
import { fromPem } from "@countersign/attestation";
import { CliFailure, reasonOf } from "../failure.ts";

/** What a file holds. */
export type AttestInput =
  | { readonly kind: "jwks"; readonly keys: readonly Readonly<Record<string, unknown>>[] }
  | { readonly kind: "certificate"; readonly der: Uint8Array }
  | { readonly kind: "quote" | "sev-snp report" | "nitro document"; readonly bytes: Uint8Array };

const SNP_LENGTH = 1184;
const SEQUENCE = 0x30;
/** The first byte of a COSE_Sign1, with its tag and without. */
const COSE = [0xd2, 0x84];

type Keys = readonly Readonly<Record<string, unknown>>[];

function keysIn(text: string): Keys | undefined {
  if (!text.trimStart().startsWith("{")) return undefined;
  const parsed: unknown = JSON.parse(text);
  const { keys } = Object(parsed) as { keys?: unknown };
  const list = Array.isArray(keys) ? keys : [parsed];
  return list.filter((key): key is Keys[number] => typeof key === "object" && key !== null);
}

/** Binary, or its hexadecimal or base64 text. */
function bytesIn(content: Uint8Array, text: string): Uint8Array {
  const digits = text.replace(/\s+/g, "");
  if (/^(?:[0-9a-f]{2})+$/i.test(digits)) return new Uint8Array(Buffer.from(digits, "hex"));
  if (digits.length > 0 && /^[A-Za-z0-9+/_-]+={0,2}$/.test(digits))
    return new Uint8Array(Buffer.from(digits, "base64"));
  return content;
}

function kindOf(bytes: Uint8Array): Exclude<AttestInput["kind"], "jwks"> {
  const [first = 0] = bytes;
  if (bytes.length === SNP_LENGTH) return "sev-snp report";
  if (first === SEQUENCE) return "certificate";
  return COSE.includes(first) ? "nitro document" : "quote";
}

/** Tells what bytes are by their first ones. */
export function inputOf(content: Uint8Array): AttestInput {
  const text = new TextDecoder().decode(content);
  const keys = keysIn(text);
  if (keys !== undefined) return { kind: "jwks", keys };
  // At the start: a quote, and a certificate with one, have such text inside.
  if (text.trimStart().startsWith("-----BEGIN CERTIFICATE-----")) {
    const [der] = fromPem(text.replaceAll("\r\n", "\n").trim(), "the certificate");
    if (der !== undefined) return { kind: "certificate", der };
  }
  const bytes = bytesIn(content, text);
  const kind = kindOf(bytes);
  return kind === "certificate" ? { kind, der: bytes } : { kind, bytes };
}

/** Reads a file. */
export function readInput(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    throw new CliFailure(`cannot read ${path}`, { hints: [reasonOf(error)] });
  }
}

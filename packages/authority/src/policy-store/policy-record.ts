import { deflateRawSync, inflateRawSync } from "node:zlib";
import { compilePolicy, type Policy } from "../policy/compile.ts";
import type { PolicyDocument } from "../policy/document.ts";
import { canonical, readPolicy } from "../policy/read.ts";

/** `PO#current`: the policy that counts; `PO#{revision}`: one that counted at some time. */
export interface PolicyRecord {
  /** Counts the changes, from 1. */
  readonly revision: number;
  readonly changedAt: number;
  readonly actor: string;
  /** What was done: a document was set, an older one was set again, or the document was removed. */
  readonly change: "set" | "rollback" | "delete";
  /** The revision whose document was set again. */
  readonly rolledBackTo?: number;
  /** Absent from where the document was removed. */
  readonly document?: PackedDocument;
}

/** A document as it is stored: of a few thousand rules the JSON would not fit into an item, packed it does. */
export interface PackedDocument {
  /** Its own number, given by its author. */
  readonly version: number;
  /** `sha256:` and hexadecimal digits, as `policyHash` gives it. */
  readonly hash: string;
  readonly rules: number;
  /** Its JSON: DEFLATE (RFC 1951), base64. */
  readonly packed: string;
}

/** Bytes of JSON of the largest document. */
const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;

/** Packs the document of a policy. */
export function packDocument({ document, version, hash, rules }: Policy): PackedDocument {
  const packed = deflateRawSync(Buffer.from(canonical(document)), { level: 9 }).toString("base64");
  return { version, hash, rules: rules.length, packed };
}

/**
 * Reads a document as it was packed.
 *
 * @throws {PolicyError} for one that another version of this program wrote and this one does not read.
 */
export function unpackDocument({ packed }: PackedDocument): PolicyDocument {
  const json = inflateRawSync(Buffer.from(packed, "base64"), { maxOutputLength: MAX_DOCUMENT_BYTES });
  return readPolicy(JSON.parse(json.toString("utf8")));
}

/** Reads and compiles a document as it was packed. */
export function compilePacked(packed: PackedDocument): Policy {
  return compilePolicy(unpackDocument(packed));
}

import { DerReader, readOne, TAG } from "../der/reader.ts";
import { readDefaultFalse, readInteger } from "../der/values.ts";
import { ensure } from "../errors.ts";
import { type Certificate, extensionOf } from "./certificate.ts";

/** The extensions that are understood here (RFC 5280 section 4.2.1). */
const EXTENSION = { keyUsage: "2.5.29.15", basicConstraints: "2.5.29.19" } as const;

/** The bits of keyUsage that matter here, by their number from the left (RFC 5280 section 4.2.1.3). */
const USAGE = { digitalSignature: 0, keyCertSign: 5, crlSign: 6 } as const;

/** Whether a certificate is an authority, and how many may follow below it. */
export interface BasicConstraints {
  readonly isAuthority: boolean;
  readonly pathLength: number | undefined;
}

/** Reads basicConstraints; what has none is no authority. */
export function basicConstraintsOf(certificate: Certificate, what: string): BasicConstraints {
  const value = extensionOf(certificate, EXTENSION.basicConstraints);
  if (value === undefined) return { isAuthority: false, pathLength: undefined };
  const reader = new DerReader(readOne(value, `${what}, basicConstraints`).content);
  const isAuthority = readDefaultFalse(reader, `${what}, basicConstraints`);
  const pathLength = reader.done ? undefined : readInteger(reader, `${what}, pathLenConstraint`);
  reader.end(`${what}, basicConstraints`);
  return { isAuthority, pathLength };
}

/** Whether the key of a certificate may be used for something; without the extension it may not. */
export function mayUse(certificate: Certificate, use: keyof typeof USAGE, what: string): boolean {
  const value = extensionOf(certificate, EXTENSION.keyUsage);
  if (value === undefined) return false;
  const { content } = readOne(value, `${what}, keyUsage`, TAG.bitString);
  const unused = content[0] ?? 8;
  ensure(content.length > 1 && unused < 8, "der", `Cannot read ${what}: keyUsage is no bit string`);
  const bit = USAGE[use];
  return (((content[1 + (bit >> 3)] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
}

/** Refuses a critical extension that is not understood (RFC 5280 section 4.2). */
export function ensureUnderstood(certificate: Certificate, what: string): void {
  const understood: readonly string[] = Object.values(EXTENSION);
  const unknown = certificate.extensions.find(({ id, critical }) => critical && !understood.includes(id));
  ensure(
    unknown === undefined,
    "critical_extension",
    `Cannot use ${what}: critical extension ${unknown?.id} is not understood`,
  );
}

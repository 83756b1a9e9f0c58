import { fromBase64, toBase64 } from "../encoding/text.ts";
import { AttestationError } from "../errors.ts";

const BEGIN = "-----BEGIN CERTIFICATE-----";
const END = "-----END CERTIFICATE-----";
/** Lines of 64 digits, and one of at most so many. The digits themselves have one form for each byte string. */
const BLOCK = new RegExp(`${BEGIN}\n((?:[^\n-]{64}\n)*[^\n-]{1,64})\n${END}(?:\n|$)`, "y");

/** DER certificates as PEM text, in lines of 64. */
export function toPem(certificates: readonly Uint8Array[]): string {
  const block = (der: Uint8Array) => [BEGIN, ...(toBase64(der).match(/.{1,64}/g) ?? []), END, ""].join("\n");
  return certificates.map(block).join("");
}

/**
 * The certificates in a PEM text, as DER.
 *
 * There is one text for each sequence of certificates, but for the end of the last line: anything between them, another line
 * length, and blanks are refused. What a signature covers can then not be written in two ways.
 */
export function fromPem(text: string, what: string): Uint8Array<ArrayBuffer>[] {
  const certificates: Uint8Array<ArrayBuffer>[] = [];
  BLOCK.lastIndex = 0;
  for (let at = 0; at < text.length; at = BLOCK.lastIndex) {
    const [, lines] = BLOCK.exec(text) ?? [];
    if (lines === undefined) throw new AttestationError("pem", `Cannot read ${what}: no PEM certificate at ${at}`);
    certificates.push(fromBase64(lines.replaceAll("\n", ""), what));
  }
  return certificates;
}

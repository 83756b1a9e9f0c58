import { ByteReader } from "../encoding/byte-reader.ts";
import { isZero } from "../encoding/bytes.ts";
import { Members, parseObject } from "../encoding/json.ts";
import { fromBase64, toBase64, toHex } from "../encoding/text.ts";
import { ensure } from "../errors.ts";

/** What AMD publishes about a chip, as it is needed to verify a report. */
export interface SnpEndorsements {
  /** The certificate of the chip's key (VCEK) or of the provider's (VLEK), in DER. */
  readonly leaf: Uint8Array;
  /** The certificate that issued it, in DER. */
  readonly intermediate: Uint8Array;
  /** The root, in DER. */
  readonly root: Uint8Array;
  /** What the root has revoked, in DER. */
  readonly crl?: Uint8Array | undefined;
}

/** Reads endorsements from JSON: DER in base64. */
export function parseSnpEndorsements(text: string): SnpEndorsements {
  ensure(text.length <= 262_144, "size", `Cannot read the endorsements: ${text.length} characters`);
  const members = new Members(parseObject(text, "the endorsements"), "the endorsements", "collateral_format");
  const bytes = (name: string) => fromBase64(members.text(name), `the endorsements, ${name}`);
  const crl = members.has("crl") ? bytes("crl") : undefined;
  return { leaf: bytes("leaf"), intermediate: bytes("intermediate"), root: bytes("root"), crl };
}

/** Writes endorsements in the form that {@link parseSnpEndorsements} reads. */
export function formatSnpEndorsements({ leaf, intermediate, root, crl }: SnpEndorsements): string {
  const certificates = { leaf: toBase64(leaf), intermediate: toBase64(intermediate), root: toBase64(root) };
  return JSON.stringify({ ...certificates, ...(crl === undefined ? {} : { crl: toBase64(crl) }) });
}

/** The entries of the certificate table that matter (AMD GHCB specification, table of GUIDs). */
const GUIDS: Readonly<Record<string, keyof SnpEndorsements>> = {
  "63da758de6644564adc5f4b93be8accd": "leaf",
  a8074bc2a25a483eaae639c045a0b8a1: "leaf",
  "4ab7b379bbac4fe4a02f05aef327c782": "intermediate",
  c0b406a4a803495297433fb6014cd0ae: "root",
};

/** Reads the certificate table that a host gives its guest with a report. */
export function parseCertificateTable(bytes: Uint8Array): Partial<SnpEndorsements> {
  const reader = new ByteReader(bytes, "report_format");
  const found: Partial<Record<keyof SnpEndorsements, Uint8Array>> = {};
  for (;;) {
    const guid = reader.bytes(16, "the certificate table");
    const offset = reader.integer(4, "the certificate table");
    const length = reader.integer(4, "the certificate table");
    if (isZero(guid)) return found;
    const name = GUIDS[toHex(guid)];
    ensure(
      offset + length <= bytes.length,
      "report_format",
      "Cannot read the certificate table: an entry is past its end",
    );
    if (name !== undefined) found[name] = bytes.slice(offset, offset + length);
  }
}

import { asBytes, asList, asMap, CborTag, type CborValue, readCbor } from "../cbor/reader.ts";
import { writeCbor } from "../cbor/writer.ts";
import { ensure } from "../errors.ts";

/** An attestation document of an AWS Nitro enclave, read and not judged. */
export interface NitroDocument {
  /** The id of the module: instance and enclave. */
  readonly moduleId: string;
  /** When it was made, in milliseconds since 1970. */
  readonly timestamp: number;
  /** The platform configuration registers, by their number. */
  readonly pcrs: ReadonlyMap<number, Uint8Array>;
  /** The certificate in DER of the key that signed the document. */
  readonly certificate: Uint8Array;
  /** What issued it, in DER, the root first. */
  readonly cabundle: readonly Uint8Array[];
  /** What the enclave put into the document. */
  readonly publicKey: Uint8Array | undefined;
  /** What the enclave put into the document. */
  readonly userData: Uint8Array | undefined;
  /** What the enclave put into the document. */
  readonly nonce: Uint8Array | undefined;
  /** What is signed: the Sig_structure of COSE (RFC 9052 section 4.4). */
  readonly signed: Uint8Array;
  /** The signature, r and s of 48 bytes each. */
  readonly signature: Uint8Array;
}

const MAX_DOCUMENT = 32_768;
const COSE_SIGN1 = 18;
const ALGORITHM = 1;
/** ES384 (RFC 9053 section 2.1). */
const ES384 = -35;

/** Optional members are there as null. */
function optional(value: CborValue, limit: number, what: string): Uint8Array | undefined {
  if (value === undefined || value === null) return undefined;
  const bytes = asBytes(value, what);
  ensure(bytes.length <= limit, "report_format", `Cannot read ${what}: it has ${bytes.length} bytes`);
  return bytes;
}

function readPcrs(value: CborValue): Map<number, Uint8Array> {
  const pcrs = new Map<number, Uint8Array>();
  for (const [number, register] of asMap(value, "the registers")) {
    const isNumber = typeof number === "number" && number >= 0 && number < 32;
    ensure(isNumber, "report_format", "Cannot read the document: a register has no number");
    const bytes = asBytes(register, `register ${number}`);
    ensure(
      bytes.length === 48,
      "report_format",
      `Cannot read the document: register ${number} has ${bytes.length} bytes`,
    );
    pcrs.set(number, bytes);
  }
  ensure(pcrs.has(0), "report_format", "Cannot read the document: it has no register 0");
  return pcrs;
}

function readPayload(payload: ReadonlyMap<CborValue, CborValue>) {
  const moduleId = payload.get("module_id");
  const timestamp = payload.get("timestamp");
  const isPayload = typeof moduleId === "string" && typeof timestamp === "number" && payload.get("digest") === "SHA384";
  ensure(isPayload, "report_format", "Cannot read the document: module_id, timestamp or digest is missing");
  return {
    moduleId,
    timestamp,
    pcrs: readPcrs(payload.get("pcrs")),
    certificate: asBytes(payload.get("certificate"), "the certificate of the document"),
    cabundle: asList(payload.get("cabundle"), "the chain of the document").map((one) => asBytes(one, "a certificate")),
    publicKey: optional(payload.get("public_key"), 1024, "the public key of the document"),
    userData: optional(payload.get("user_data"), 512, "the user data of the document"),
    nonce: optional(payload.get("nonce"), 512, "the nonce of the document"),
  };
}

/**
 * Reads an attestation document of an AWS Nitro enclave, a COSE_Sign1; nothing of it is verified.
 *
 * @throws {AttestationError} when it does not have the form of one.
 */
export function parseNitroDocument(bytes: Uint8Array): NitroDocument {
  ensure(bytes.length <= MAX_DOCUMENT, "size", `Cannot read the document: ${bytes.length} bytes`);
  const read = readCbor(bytes, "the document");
  const outer = asList(read instanceof CborTag && read.tag === COSE_SIGN1 ? read.value : read, "the document");
  ensure(outer.length === 4, "report_format", "Cannot read the document: it is no COSE_Sign1");
  const [header, unprotected, content, signed] = outer;
  const protectedHeader = asBytes(header, "the header of the document");
  const parameters = asMap(readCbor(protectedHeader, "the header of the document"), "the header of the document");
  const isEs384 = parameters.size === 1 && parameters.get(ALGORITHM) === ES384;
  ensure(isEs384, "report_format", "Cannot read the document: it is not signed with ES384");
  const isBare = asMap(unprotected, "the unprotected header").size === 0;
  ensure(isBare, "report_format", "Cannot read the document: its unprotected header is not empty");
  const payload = asBytes(content, "the payload of the document");
  const signature = asBytes(signed, "the signature of the document");
  ensure(
    signature.length === 96,
    "report_format",
    `Cannot read the document: its signature has ${signature.length} bytes`,
  );
  const structure = writeCbor(["Signature1", protectedHeader, new Uint8Array(), payload]);
  const members = readPayload(asMap(readCbor(payload, "the payload of the document"), "the payload of the document"));
  return { ...members, signed: structure, signature };
}

import { ByteReader } from "../encoding/byte-reader.ts";
import { isZero } from "../encoding/bytes.ts";
import { AttestationError, ensure } from "../errors.ts";
import { readSgxReport, SGX_REPORT_LENGTH, type SgxReport } from "./sgx-report.ts";
import { parseSignatureData, type QuoteSignature } from "./signature-data.ts";
import { readTdReport, TD_REPORT_LENGTHS, type TdReport } from "./td-report.ts";

/** An Intel DCAP quote, read and not judged. */
export interface Quote {
  /** 3 for SGX, 4 for SGX and TDX 1.0, 5 for all of them. */
  readonly version: 3 | 4 | 5;
  /** The kind of its attestation key; 2 is ECDSA on P-256. */
  readonly keyType: number;
  /** Who made the quoting enclave, 16 bytes. */
  readonly qeVendor: Uint8Array;
  /** What the quoting enclave says of itself, 20 bytes. */
  readonly userData: Uint8Array;
  /** The report of what runs. */
  readonly report: SgxReport | TdReport;
  /** What the attestation key signed: header and report. */
  readonly signed: Uint8Array;
  /** The signature, and what vouches for its key. */
  readonly signature: QuoteSignature;
}

/** Larger quotes are not read. */
const MAX_QUOTE = 32_768;

const HEADER_LENGTH = 48;
const SGX = 0;
const TDX = 0x81;

type ReadReport = (reader: ByteReader) => SgxReport | TdReport;

const readTd10: ReadReport = (reader) => readTdReport(reader, "1.0");
const readTd15: ReadReport = (reader) => readTdReport(reader, "1.5");

/** Versions 3 and 4 have one body for each kind of TEE. */
const BODIES: Readonly<Record<string, ReadReport>> = {
  [`3/${SGX}`]: readSgxReport,
  [`4/${SGX}`]: readSgxReport,
  [`4/${TDX}`]: readTd10,
};

/** Version 5 names the body, its length, and the kind of TEE it belongs to. */
const TYPED_BODIES: Readonly<Record<string, readonly [length: number, read: ReadReport]>> = {
  [`1/${SGX}`]: [SGX_REPORT_LENGTH, readSgxReport],
  [`2/${TDX}`]: [TD_REPORT_LENGTHS["1.0"], readTd10],
  [`3/${TDX}`]: [TD_REPORT_LENGTHS["1.5"], readTd15],
};

const unknown = (version: number, tee: number): AttestationError =>
  new AttestationError("quote_version", `Cannot read the quote: version ${version} for TEE type ${tee} is not known`);

function readTypedBody(reader: ByteReader, tee: number): SgxReport | TdReport {
  const type = reader.integer(2, "the type of the body");
  const length = reader.integer(4, "the length of the body");
  const [expected, read] = TYPED_BODIES[`${type}/${tee}`] ?? [];
  if (read === undefined) throw unknown(5, tee);
  ensure(length === expected, "quote_format", `Cannot read the quote: a body of type ${type} has ${length} bytes`);
  return read(reader);
}

function readBody(reader: ByteReader, version: number, tee: number): SgxReport | TdReport {
  if (version === 5) return readTypedBody(reader, tee);
  const read = BODIES[`${version}/${tee}`];
  if (read === undefined) throw unknown(version, tee);
  return read(reader);
}

/** Guests pad quotes with zeros. */
function ensurePadding(rest: Uint8Array): void {
  ensure(isZero(rest), "quote_format", `Cannot read the quote: ${rest.length} bytes follow its end and are not zero`);
}

/**
 * Reads an Intel DCAP quote; nothing of it is verified.
 *
 * @throws {AttestationError} when its parts do not add up, or its version is not known.
 * @example
 * const quote = parseQuote(bytes);
 * if (quote.report.kind === "sgx") toHex(quote.report.mrEnclave);
 */
export function parseQuote(bytes: Uint8Array): Quote {
  ensure(bytes.length <= MAX_QUOTE, "size", `Cannot read the quote: ${bytes.length} bytes, more than ${MAX_QUOTE}`);
  const reader = new ByteReader(bytes, "quote_format");
  const version = reader.integer(2, "the version of the quote");
  const keyType = reader.integer(2, "the type of the attestation key");
  const tee = reader.integer(4, "the TEE type");
  if (version !== 3 && version !== 4 && version !== 5) throw unknown(version, tee);
  ensure(keyType === 2, "quote_key_type", `Cannot read the quote: its attestation key is of type ${keyType}, not 2`);
  reader.bytes(4, "the security versions of the quoting enclave");
  const qeVendor = reader.bytes(16, "the vendor of the quoting enclave");
  const userData = reader.bytes(HEADER_LENGTH - 28, "the data of the quoting enclave");
  const report = readBody(reader, version, tee);
  const signed = bytes.subarray(0, reader.position);
  const length = reader.integer(4, "the length of the signature data");
  const signature = parseSignatureData(reader.bytes(length, "the signature data"), version);
  ensurePadding(reader.rest());
  return { version, keyType, qeVendor, userData, report, signed, signature };
}

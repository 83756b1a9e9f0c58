import { ByteReader } from "../encoding/byte-reader.ts";
import { fromUtf8 } from "../encoding/text.ts";
import { ensure } from "../errors.ts";
import { fromPem } from "../x509/pem.ts";
import { parseSgxReport, SGX_REPORT_LENGTH, type SgxReport } from "./sgx-report.ts";

/** What signs a quote and vouches for the key that did, read and not judged. */
export interface QuoteSignature {
  /** The signature of the quote, r and s of 32 bytes each. */
  readonly signature: Uint8Array;
  /** The attestation key, x and y of 32 bytes each. */
  readonly attestationKey: Uint8Array;
  /** The report of the quoting enclave. */
  readonly qeReport: SgxReport;
  /** The report of the quoting enclave as the PCK key signed it. */
  readonly qeReportBytes: Uint8Array;
  /** The signature of that report, r and s of 32 bytes each. */
  readonly qeReportSignature: Uint8Array;
  /** What the quoting enclave hashed with the attestation key; any length. */
  readonly qeAuthData: Uint8Array;
  /** The certificates in DER: the PCK certificate, its issuer, the root. */
  readonly certificates: readonly Uint8Array[];
}

/** Kinds of certification data (Intel DCAP quote format, appendix A.4.9). */
const CERTIFICATE_CHAIN = 5;
const QE_REPORT = 6;

function readTyped(reader: ByteReader, type: number, what: string): Uint8Array {
  const found = reader.integer(2, `${what}, the type`);
  ensure(found === type, "certification_data", `Cannot use ${what}: it is of type ${found}, not ${type}`);
  const length = reader.integer(4, `${what}, the length`);
  const bytes = reader.bytes(length, what);
  reader.end(what);
  return bytes;
}

/** Quoting enclaves end the text with one NUL, or with none. */
function readCertificates(bytes: Uint8Array): Uint8Array[] {
  const text = bytes.at(-1) === 0 ? bytes.subarray(0, -1) : bytes;
  return fromPem(fromUtf8(text, "the certificates of the quote"), "the certificates of the quote");
}

function readQeReport(reader: ByteReader) {
  const qeReportBytes = reader.bytes(SGX_REPORT_LENGTH, "the report of the quoting enclave");
  const qeReportSignature = reader.bytes(64, "the signature of that report");
  const qeAuthData = reader.bytes(
    reader.integer(2, "the length of the authentication data"),
    "the authentication data",
  );
  const certificates = readCertificates(readTyped(reader, CERTIFICATE_CHAIN, "the certification data"));
  return { qeReport: parseSgxReport(qeReportBytes), qeReportBytes, qeReportSignature, qeAuthData, certificates };
}

/** Reads the signature data of a quote: all of it, and nothing may be left. */
export function parseSignatureData(bytes: Uint8Array, version: number): QuoteSignature {
  const reader = new ByteReader(bytes, "quote_format");
  const signature = reader.bytes(64, "the signature of the quote");
  const attestationKey = reader.bytes(64, "the attestation key");
  if (version === 3) return { signature, attestationKey, ...readQeReport(reader) };
  const inner = readTyped(reader, QE_REPORT, "the certification data of the quote");
  return { signature, attestationKey, ...readQeReport(new ByteReader(inner, "quote_format")) };
}

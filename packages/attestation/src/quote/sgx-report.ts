import { ByteReader } from "../encoding/byte-reader.ts";

/** The report of an SGX enclave (Intel SDM volume 3D, REPORT), read and not judged. */
export interface SgxReport {
  /** Tells the kinds of report apart. */
  readonly kind: "sgx";
  /** The security version of the processor, 16 bytes. */
  readonly cpuSvn: Uint8Array;
  /** Which extended features the enclave uses, 4 bytes. */
  readonly miscSelect: Uint8Array;
  /** The id of the product, as its signer chose it, 16 bytes. */
  readonly isvExtProdId: Uint8Array;
  /** Flags and the features of the processor, 16 bytes. */
  readonly attributes: Uint8Array;
  /** The measurement of the enclave, 32 bytes. */
  readonly mrEnclave: Uint8Array;
  /** The digest of the key that signed the enclave, 32 bytes. */
  readonly mrSigner: Uint8Array;
  /** What the host configured, 64 bytes. */
  readonly configId: Uint8Array;
  /** The number of the product. */
  readonly isvProdId: number;
  /** The security version of the product. */
  readonly isvSvn: number;
  /** The security version of the configuration. */
  readonly configSvn: number;
  /** The id of the family of products, 16 bytes. */
  readonly isvFamilyId: Uint8Array;
  /** What the enclave itself put into the report, 64 bytes. */
  readonly reportData: Uint8Array;
}

/** The length of a report. */
export const SGX_REPORT_LENGTH = 384;

/** Reads a report of an enclave; the reader is at its start. */
export function readSgxReport(reader: ByteReader): SgxReport {
  const bytes = (length: number, what: string) => reader.bytes(length, `the report, ${what}`);
  const cpuSvn = bytes(16, "CPUSVN");
  const miscSelect = bytes(4, "MISCSELECT");
  bytes(12, "reserved bytes");
  const isvExtProdId = bytes(16, "ISVEXTPRODID");
  const attributes = bytes(16, "ATTRIBUTES");
  const mrEnclave = bytes(32, "MRENCLAVE");
  bytes(32, "reserved bytes");
  const mrSigner = bytes(32, "MRSIGNER");
  bytes(32, "reserved bytes");
  const configId = bytes(64, "CONFIGID");
  const isvProdId = reader.integer(2, "the report, ISVPRODID");
  const isvSvn = reader.integer(2, "the report, ISVSVN");
  const configSvn = reader.integer(2, "the report, CONFIGSVN");
  bytes(42, "reserved bytes");
  const isvFamilyId = bytes(16, "ISVFAMILYID");
  const reportData = bytes(64, "REPORTDATA");
  const identity = { cpuSvn, miscSelect, isvExtProdId, attributes, mrEnclave, mrSigner, configId };
  return { kind: "sgx", ...identity, isvProdId, isvSvn, configSvn, isvFamilyId, reportData };
}

/** Reads bytes that are one report. */
export const parseSgxReport = (bytes: Uint8Array): SgxReport => readSgxReport(new ByteReader(bytes, "quote_format"));

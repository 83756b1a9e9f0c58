import { concatBytes, toLittleEndian } from "../encoding/bytes.ts";
import { fromHex } from "../encoding/text.ts";

/** The fields of the report of a simulated enclave; byte strings in hexadecimal. */
export interface SimulatedEnclave {
  /** The measurement, 32 bytes. @default all `e1` */
  readonly mrEnclave?: string | undefined;
  /** The digest of the signer's key, 32 bytes. @default all `51` */
  readonly mrSigner?: string | undefined;
  /** The number of the product. @default 1 */
  readonly isvProdId?: number | undefined;
  /** The security version of the product. @default 1 */
  readonly isvSvn?: number | undefined;
  /** The attributes, 16 bytes. @default INIT and MODE64 */
  readonly attributes?: string | undefined;
  /** MISCSELECT, 4 bytes. @default zero */
  readonly miscSelect?: string | undefined;
}

/** The fields of the report of a simulated trust domain, in hexadecimal. */
export interface SimulatedDomain {
  /** The measurement of the initial contents, 48 bytes. @default all `d1` */
  readonly mrTd?: string | undefined;
  /** The four run-time measurements, 48 bytes each. @default all zero */
  readonly rtMrs?: readonly string[] | undefined;
  /** The attributes, 8 bytes. @default SEPT_VE_DISABLE */
  readonly tdAttributes?: string | undefined;
  /** The security versions of module and processor, 16 bytes. @default a current one of the second generation */
  readonly teeTcbSvn?: string | undefined;
  /** Who signed the module, 48 bytes. @default zero */
  readonly mrSignerSeam?: string | undefined;
  /** The attributes of the module, 8 bytes. @default zero */
  readonly seamAttributes?: string | undefined;
  /** TD 1.5 alone: the security versions now, 16 bytes. @default those of the launch */
  readonly teeTcbSvn2?: string | undefined;
  /** TD 1.5 alone: who may migrate the trust domain, 48 bytes. @default zero */
  readonly mrServiceTd?: string | undefined;
}

const zeros = (length: number) => new Uint8Array(length);
const hex = (text: string) => fromHex(text, "a field of a simulated report");

/** Writes the report of an enclave. */
export function writeSgxReport(enclave: SimulatedEnclave, reportData: Uint8Array): Uint8Array {
  const { mrEnclave = "e1".repeat(32), mrSigner = "51".repeat(32), isvProdId = 1, isvSvn = 1 } = enclave;
  const { attributes = "05".padEnd(32, "0"), miscSelect = "00000000" } = enclave;
  return concatBytes(
    ...[zeros(16), hex(miscSelect), zeros(28), hex(attributes), hex(mrEnclave), zeros(32), hex(mrSigner), zeros(96)],
    ...[toLittleEndian(isvProdId, 2), toLittleEndian(isvSvn, 2), zeros(60), reportData],
  );
}

const CURRENT_MODULE = "0201".padEnd(32, "02");

/** Writes the report of a trust domain. */
export function writeTdReport(domain: SimulatedDomain, version: "1.0" | "1.5", reportData: Uint8Array): Uint8Array {
  const { mrTd = "d1".repeat(48), rtMrs = Array.from({ length: 4 }, () => "00".repeat(48)) } = domain;
  const { teeTcbSvn = CURRENT_MODULE, mrSignerSeam = "00".repeat(48), seamAttributes = "00".repeat(8) } = domain;
  const { tdAttributes = "0000001000000000", teeTcbSvn2 = teeTcbSvn, mrServiceTd = "00".repeat(48) } = domain;
  const later = version === "1.5" ? [hex(teeTcbSvn2), hex(mrServiceTd)] : [];
  return concatBytes(
    ...[hex(teeTcbSvn), zeros(48), hex(mrSignerSeam), hex(seamAttributes), hex(tdAttributes), zeros(8), hex(mrTd)],
    ...[zeros(144), ...rtMrs.map(hex), reportData, ...later],
  );
}

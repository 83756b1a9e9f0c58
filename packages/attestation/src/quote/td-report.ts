import type { ByteReader } from "../encoding/byte-reader.ts";

/** The report of a TDX trust domain (Intel TDX DCAP quote format), read and not judged. */
export interface TdReport {
  /** Tells the kinds of report apart. */
  readonly kind: "tdx";
  /** Which form the report has. */
  readonly version: "1.0" | "1.5";
  /** The security versions of the TDX module and the processor, 16 bytes. */
  readonly teeTcbSvn: Uint8Array;
  /** The measurement of the TDX module, 48 bytes. */
  readonly mrSeam: Uint8Array;
  /** Who signed the TDX module, 48 bytes; zero for Intel. */
  readonly mrSignerSeam: Uint8Array;
  /** The attributes of the TDX module, 8 bytes. */
  readonly seamAttributes: Uint8Array;
  /** The attributes of the trust domain, 8 bytes. */
  readonly tdAttributes: Uint8Array;
  /** Which features of the processor the trust domain uses, 8 bytes. */
  readonly xfam: Uint8Array;
  /** The measurement of the initial contents, 48 bytes. */
  readonly mrTd: Uint8Array;
  /** What the host configured, 48 bytes. */
  readonly mrConfigId: Uint8Array;
  /** Who owns the trust domain, 48 bytes. */
  readonly mrOwner: Uint8Array;
  /** What its owner configured, 48 bytes. */
  readonly mrOwnerConfig: Uint8Array;
  /** The four measurements that grow at run time, 48 bytes each. */
  readonly rtMrs: readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  /** What the trust domain itself put into the report, 64 bytes. */
  readonly reportData: Uint8Array;
  /** The security versions now, where the TDX module was updated under a running trust domain, 16 bytes. */
  readonly teeTcbSvn2: Uint8Array | undefined;
  /** The measurement of the trust domain that may migrate this one, 48 bytes; zero for none. */
  readonly mrServiceTd: Uint8Array | undefined;
}

/** The lengths of a report, by its form. */
export const TD_REPORT_LENGTHS = { "1.0": 584, "1.5": 648 } as const;

/** Reads a report of a trust domain; the reader is at its start. */
export function readTdReport(reader: ByteReader, version: TdReport["version"]): TdReport {
  const bytes = (length: number, what: string) => reader.bytes(length, `the report, ${what}`);
  const module = {
    teeTcbSvn: bytes(16, "TEE_TCB_SVN"),
    mrSeam: bytes(48, "MRSEAM"),
    mrSignerSeam: bytes(48, "MRSIGNERSEAM"),
    seamAttributes: bytes(8, "SEAMATTRIBUTES"),
  };
  const domain = {
    tdAttributes: bytes(8, "TDATTRIBUTES"),
    xfam: bytes(8, "XFAM"),
    mrTd: bytes(48, "MRTD"),
    mrConfigId: bytes(48, "MRCONFIGID"),
    mrOwner: bytes(48, "MROWNER"),
    mrOwnerConfig: bytes(48, "MROWNERCONFIG"),
  };
  const rtMrs = [bytes(48, "RTMR0"), bytes(48, "RTMR1"), bytes(48, "RTMR2"), bytes(48, "RTMR3")] as const;
  const reportData = bytes(64, "REPORTDATA");
  const isLater = version === "1.5";
  const teeTcbSvn2 = isLater ? bytes(16, "TEE_TCB_SVN_2") : undefined;
  const mrServiceTd = isLater ? bytes(48, "MRSERVICETD") : undefined;
  return { kind: "tdx", version, ...module, ...domain, rtMrs, reportData, teeTcbSvn2, mrServiceTd };
}

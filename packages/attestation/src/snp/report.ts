import { ByteReader } from "../encoding/byte-reader.ts";
import { concatBytes, littleEndian } from "../encoding/bytes.ts";
import { ensure } from "../errors.ts";

/** The security versions of the parts of a processor, as a report counts them. */
export interface SnpTcb {
  /** The firmware controller; Turin and later. */
  readonly fmc: number | undefined;
  /** The boot loader. */
  readonly bootloader: number;
  /** The secure processor's operating system. */
  readonly tee: number;
  /** The SNP firmware. */
  readonly snp: number;
  /** The microcode. */
  readonly microcode: number;
}

/** An attestation report of AMD SEV-SNP (AMD 56860, table ATTESTATION_REPORT), read and not judged. */
export interface SnpReport {
  /** The version of the form. */
  readonly version: number;
  /** The security version of the guest. */
  readonly guestSvn: number;
  /** The guest's policy, 8 bytes, least significant first. */
  readonly policy: Uint8Array;
  /** The privilege level that asked for the report. */
  readonly vmpl: number;
  /** 1 is ECDSA on P-384 with SHA-384. */
  readonly signatureAlgorithm: number;
  /** Which key signed: 0 is the chip's (VCEK), 1 the provider's (VLEK). */
  readonly signingKey: number;
  /** Whether the chip's id is left out. */
  readonly maskedChip: boolean;
  /** What the guest itself put into the report, 64 bytes. */
  readonly reportData: Uint8Array;
  /** The launch measurement, 48 bytes. */
  readonly measurement: Uint8Array;
  /** What the host passed at launch, 32 bytes. */
  readonly hostData: Uint8Array;
  /** The digest of the key of the guest's owner, 48 bytes. */
  readonly idKeyDigest: Uint8Array;
  /** The TCB that the signing key is derived from, 8 bytes. */
  readonly reportedTcb: Uint8Array;
  /** The id of the chip, 64 bytes. */
  readonly chipId: Uint8Array;
  /** What is signed. */
  readonly signed: Uint8Array;
  /** The signature, r and s of 48 bytes each. */
  readonly signature: Uint8Array;
}

/** The length of a report. */
export const SNP_REPORT_LENGTH = 1184;

/** AMD writes r and s in 72 bytes each, least significant first. */
function readNumber(reader: ByteReader, what: string): Uint8Array {
  const bytes = reader.bytes(72, what);
  const isShort = bytes.subarray(48).every((byte) => byte === 0);
  ensure(isShort, "report_format", `Cannot read the report: ${what} is longer than 48 bytes`);
  return bytes.slice(0, 48).reverse();
}

/**
 * Reads an attestation report of AMD SEV-SNP; nothing of it is verified.
 *
 * @throws {AttestationError} with `report_format` when it does not have the form of one.
 */
export function parseSnpReport(bytes: Uint8Array): SnpReport {
  const { length } = bytes;
  ensure(length === SNP_REPORT_LENGTH, "report_format", `Cannot read the report: it has ${length} bytes`);
  const at = (offset: number, size: number) => bytes.subarray(offset, offset + size);
  const number = (offset: number) => littleEndian(at(offset, 4));
  const version = number(0);
  ensure(version >= 2 && version <= 5, "report_format", `Cannot read the report: version ${version} is not known`);
  const reader = new ByteReader(at(0x2a0, 512), "report_format");
  const signature = concatBytes(readNumber(reader, "r"), readNumber(reader, "s"));
  const rest = reader.rest();
  ensure(
    rest.every((byte) => byte === 0),
    "report_format",
    "Cannot read the report: bytes follow its signature",
  );
  const flags = number(0x48);
  return {
    version,
    guestSvn: number(4),
    policy: at(8, 8),
    vmpl: number(0x30),
    signatureAlgorithm: number(0x34),
    signingKey: (flags >> 2) & 7,
    maskedChip: (flags & 2) !== 0,
    reportData: at(0x50, 64),
    measurement: at(0x90, 48),
    hostData: at(0xc0, 32),
    idKeyDigest: at(0xe0, 48),
    reportedTcb: at(0x180, 8),
    chipId: at(0x1a0, 64),
    signed: at(0, 0x2a0),
    signature,
  };
}

/** The parts of a TCB: Turin puts the firmware controller first. */
export function tcbOf(bytes: Uint8Array, hasFmc: boolean): SnpTcb {
  const [b0 = 0, b1 = 0, b2 = 0, b3 = 0] = bytes;
  const snp = bytes[6] ?? 0;
  const microcode = bytes[7] ?? 0;
  if (hasFmc) return { fmc: b0, bootloader: b1, tee: b2, snp: b3, microcode };
  return { fmc: undefined, bootloader: b0, tee: b1, snp, microcode };
}

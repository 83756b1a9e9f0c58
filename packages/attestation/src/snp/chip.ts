import { DerReader } from "../der/reader.ts";
import { readInteger } from "../der/values.ts";
import { ensure } from "../errors.ts";
import { type Certificate, extensionOf } from "../x509/certificate.ts";
import type { SnpTcb } from "./report.ts";

/** AMD's extensions of the certificates of chips (AMD 57230, VCEK certificate extensions). */
const OID = "1.3.6.1.4.1.3704.1";
const PART = { bootloader: 1, tee: 2, snp: 3, microcode: 8, fmc: 9 } as const;

/** What the certificate of a chip's key says. */
export interface Chip {
  /** The id of the chip, 64 bytes; empty for the key of a provider. */
  readonly id: Uint8Array;
  /** The TCB that the key is derived from. */
  readonly tcb: SnpTcb;
  /** Whether it is the key of a provider (VLEK) and not of one chip. */
  readonly isProvider: boolean;
}

function readPart(certificate: Certificate, name: keyof typeof PART): number | undefined {
  const value = extensionOf(certificate, `${OID}.3.${PART[name]}`);
  if (value === undefined) return undefined;
  const reader = new DerReader(value);
  const svn = readInteger(reader, `the certificate of the chip, ${name}`);
  reader.end(`the certificate of the chip, ${name}`);
  return svn;
}

function neededPart(certificate: Certificate, name: keyof typeof PART): number {
  const svn = readPart(certificate, name);
  ensure(svn !== undefined, "chip_mismatch", `Cannot use the certificate of the chip: it does not say its ${name}`);
  return svn;
}

/** Reads what the certificate of a chip's key says. */
export function chipOf(certificate: Certificate): Chip {
  const isProvider = certificate.commonName?.includes("SEV-VLEK") === true;
  const part = (name: keyof typeof PART) => neededPart(certificate, name);
  const value = extensionOf(certificate, `${OID}.4`) ?? new Uint8Array();
  ensure(isProvider || value.length > 0, "chip_mismatch", "Cannot use the certificate of the chip: it has no chip id");
  // Later chips have shorter ids, which a report fills up with zeros.
  const id = new Uint8Array(64);
  id.set(value.subarray(0, 64));
  const parts = { bootloader: part("bootloader"), tee: part("tee"), snp: part("snp"), microcode: part("microcode") };
  return { id, tcb: { fmc: readPart(certificate, "fmc"), ...parts }, isProvider };
}

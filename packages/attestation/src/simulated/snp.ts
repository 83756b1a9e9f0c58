import { type TrustedRoot, trustRoot } from "../appraisal/root.ts";
import { small } from "../der/writer.ts";
import { concatBytes, toLittleEndian } from "../encoding/bytes.ts";
import type { SnpEndorsements } from "../snp/endorsements.ts";
import { extension } from "../x509/write.ts";
import { createParty, issueCrl, type Party } from "./issuer.ts";

/** The fields of the report of a simulated guest. */
export interface SimulatedGuest {
  /** The launch measurement, 48 bytes. @default all `a1` */
  readonly measurement?: Uint8Array | undefined;
  /** The guest's policy, 8 bytes. @default SMT allowed, and the bit that is always one */
  readonly policy?: Uint8Array | undefined;
  /** The id of the chip, 64 bytes. @default that of the certificate */
  readonly chipId?: Uint8Array | undefined;
  /** The TCB, 8 bytes. @default that of the certificate */
  readonly tcb?: Uint8Array | undefined;
  /** Which key is said to have signed. @default 0, the chip's */
  readonly signingKey?: number | undefined;
}

/** An AMD secure processor that is none, under a root of its own. */
export interface SimulatedSnp {
  /** The root; a verifier trusts it only when it is passed by name. */
  readonly root: TrustedRoot;
  /** Its certificates and the revocation list of its root. */
  readonly endorsements: SnpEndorsements;
  /** Makes a report. */
  report(reportData: Uint8Array, guest?: SimulatedGuest): Promise<Uint8Array>;
}

const DAY_MS = 86_400_000;
const OID = "1.3.6.1.4.1.3704.1";
const TCB = Uint8Array.of(4, 0, 0, 0, 0, 0, 22, 211);
const CHIP = new Uint8Array(64).fill(0xc1);

function writeReport(reportData: Uint8Array, guest: SimulatedGuest): Uint8Array {
  const { measurement = new Uint8Array(48).fill(0xa1), chipId = CHIP, tcb = TCB, signingKey = 0 } = guest;
  const { policy = Uint8Array.of(0, 0, 3, 0, 0, 0, 0, 0) } = guest;
  const report = new Uint8Array(0x2a0);
  const put = (offset: number, bytes: Uint8Array) => report.set(bytes, offset);
  put(0, toLittleEndian(2, 4));
  put(8, policy);
  put(0x34, toLittleEndian(1, 4));
  put(0x48, toLittleEndian(signingKey << 2, 4));
  put(0x50, reportData);
  put(0x90, measurement);
  put(0x180, tcb);
  put(0x1a0, chipId);
  return report;
}

async function sign(report: Uint8Array, { signer }: Party): Promise<Uint8Array> {
  const raw = await signer.sign(report);
  const number = (bytes: Uint8Array) => concatBytes(bytes.slice().reverse(), new Uint8Array(24));
  return concatBytes(report, number(raw.subarray(0, 48)), number(raw.subarray(48)), new Uint8Array(368));
}

/** The properties of a simulated AMD secure processor. */
export interface SimulatedSnpOptions {
  /** The time at which it is made, in milliseconds since 1970. */
  readonly at: number;
  /** Whether the root has revoked the issuer of the chip's certificate. @default false */
  readonly revoked?: boolean | undefined;
}

/** Makes a simulated AMD secure processor, for development and tests. */
export async function createSimulatedSnp({ at, revoked = false }: SimulatedSnpOptions): Promise<SimulatedSnp> {
  const common = { notBefore: at - DAY_MS, notAfter: at + 365 * DAY_MS };
  const rsa = { ...common, algorithm: "PS384", modulusLength: 2048, isAuthority: true } as const;
  const root = await createParty({ ...rsa, name: "Simulated ARK-None, NOT AMD", serial: 1 });
  const issuer = await createParty({
    ...rsa,
    name: "Simulated SEV-None, NOT AMD",
    serial: 2,
    issuer: root,
    pathLength: 0,
  });
  const svns = [1, 2, 3, 8].map((part, at) => extension(`${OID}.3.${part}`, small(TCB[[0, 1, 6, 7][at] ?? 0] ?? 0)));
  const extensions = [...svns, extension(`${OID}.4`, CHIP)];
  const leaf = { ...common, algorithm: "ES384", name: "Simulated SEV-VCEK, NOT AMD", serial: 3 } as const;
  const chip = await createParty({ ...leaf, issuer, extensions });
  const crl = await issueCrl(root, at - DAY_MS, at + 30 * DAY_MS, revoked ? [issuer] : []);
  return {
    root: await trustRoot(root.certificate, { simulated: true }),
    endorsements: { leaf: chip.certificate, intermediate: issuer.certificate, root: root.certificate, crl },
    report: (reportData, guest = {}) => sign(writeReport(reportData, guest), chip),
  };
}

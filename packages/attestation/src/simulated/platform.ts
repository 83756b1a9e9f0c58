import type { Collateral } from "../dcap/collateral.ts";
import { der, integer, objectId, octets, sequence, small } from "../der/writer.ts";
import { utf8 } from "../encoding/bytes.ts";
import { fromHex, toHex } from "../encoding/text.ts";
import { digest } from "../webcrypto.ts";
import { toPem } from "../x509/pem.ts";
import { SGX_EXTENSION } from "../x509/sgx-extension.ts";
import { extension } from "../x509/write.ts";
import { qeIdentityOf, tcbInfoOf } from "./documents.ts";
import { createParty, issueCrl, type Party } from "./issuer.ts";

/** The properties of a simulated platform. */
export interface PlatformOptions {
  /** The time at which it is made, in milliseconds since 1970. */
  readonly at: number;
  /** The security versions of its 16 components. @default all 2, which is current; all 1 is out of date */
  readonly components?: readonly number[] | undefined;
  /** The security version of its provisioning enclave. @default 11 */
  readonly pceSvn?: number | undefined;
}

/** Everybody in a simulated platform. */
export interface Platform {
  readonly at: number;
  readonly root: Party;
  readonly authority: Party;
  readonly pck: Party;
  readonly tcbSigner: Party;
  readonly ppid: string;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** No platform of Intel has this family. */
const SIMULATED_FMSPC = "fffffffffff0";
const NOT_INTEL = "NOT INTEL";

const member = (id: string, value: Uint8Array) => sequence(objectId(`${SGX_EXTENSION}.${id}`), value);

/** The SGX extension of a simulated PCK certificate. */
export function sgxExtension(ppid: string, components: readonly number[], pceSvn: number): Uint8Array {
  const svns = components.map((svn, at) => member(`2.${at + 1}`, integer(Uint8Array.of(svn))));
  const tcb = sequence(...svns, member("2.17", small(pceSvn)), member("2.18", octets(Uint8Array.from(components))));
  const parts = [
    member("1", octets(fromHex(ppid, "a constant"))),
    member("2", tcb),
    member("3", octets(new Uint8Array(2))),
    member("4", octets(fromHex(SIMULATED_FMSPC, "a constant"))),
    member("5", der(0x0a, Uint8Array.of(0))),
  ];
  return extension(SGX_EXTENSION, sequence(...parts));
}

/** How a simulated certificate is called: what it is for, and that it is not Intel's. */
export const simulatedName = (role: string): string => `Simulated ${role}, ${NOT_INTEL}`;

/** Makes the keys and certificates of a simulated platform. */
export async function createPlatform({ at, components, pceSvn = 11 }: PlatformOptions): Promise<Platform> {
  const validity = { notBefore: at - DAY_MS, notAfter: at + 3650 * DAY_MS };
  const name = simulatedName;
  const root = await createParty({
    ...validity,
    name: name("SGX Root CA"),
    serial: 1,
    isAuthority: true,
    pathLength: 1,
  });
  const below = { ...validity, issuer: root };
  const ca = { name: name("SGX PCK Platform CA"), serial: 2, isAuthority: true, pathLength: 0 };
  const authority = await createParty({ ...below, ...ca });
  const tcbSigner = await createParty({ ...below, name: name("SGX TCB Signing"), serial: 3 });
  const ppid = toHex(await digest("SHA-256", root.spki)).slice(0, 32);
  const sgx = sgxExtension(ppid, components ?? Array.from({ length: 16 }, () => 2), pceSvn);
  const leaf = { ...validity, name: name("SGX PCK Certificate"), serial: 4, extensions: [sgx] };
  const pck = await createParty({ ...leaf, issuer: authority });
  return { at, root, authority, pck, tcbSigner, ppid };
}

/** Signs collateral for a simulated platform; it is valid for 30 days. */
export async function collateralOf(platform: Platform, tee: "sgx" | "tdx"): Promise<Collateral> {
  const { at, root, authority, tcbSigner } = platform;
  const from = at - HOUR_MS;
  const until = at + 30 * DAY_MS;
  const signerChain = toPem([tcbSigner.certificate, root.certificate]);
  const tcbInfo = JSON.stringify(tcbInfoOf(tee, SIMULATED_FMSPC, from, until));
  const qeIdentity = JSON.stringify(qeIdentityOf(tee, from, until));
  return {
    pckCrlIssuerChain: toPem([authority.certificate, root.certificate]),
    rootCaCrl: await issueCrl(root, from, until),
    pckCrl: await issueCrl(authority, from, until),
    tcbInfoIssuerChain: signerChain,
    tcbInfo,
    tcbInfoSignature: await tcbSigner.signer.sign(utf8(tcbInfo)),
    qeIdentityIssuerChain: signerChain,
    qeIdentity,
    qeIdentitySignature: await tcbSigner.signer.sign(utf8(qeIdentity)),
  };
}

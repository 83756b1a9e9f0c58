import { DerReader, readOne, TAG } from "../der/reader.ts";
import { readInteger, readObjectId } from "../der/values.ts";
import { toHex } from "../encoding/text.ts";
import { AttestationError, ensure } from "../errors.ts";
import { type Certificate, extensionOf } from "./certificate.ts";

/** Intel's extension of PCK certificates; quotes in certificates use the same identifier. */
export const SGX_EXTENSION = "1.2.840.113741.1.13.1";

/** What a PCK certificate says about its platform (Intel SGX PCK certificate profile). */
export interface PckExtension {
  /** The id of the platform's provisioning, 16 bytes in hexadecimal. */
  readonly ppid: string;
  /** The security versions of the 16 components. */
  readonly components: readonly number[];
  /** The security version of the provisioning certification enclave. */
  readonly pceSvn: number;
  /** The CPUSVN, 16 bytes in hexadecimal. */
  readonly cpuSvn: string;
  /** The id of the provisioning certification enclave, 2 bytes in hexadecimal. */
  readonly pceId: string;
  /** Family, model, stepping, platform type: 6 bytes in hexadecimal. */
  readonly fmspc: string;
  /** The id of a platform with more than one package, 16 bytes in hexadecimal. */
  readonly platformInstanceId: string | undefined;
}

const fail = (why: string): AttestationError =>
  new AttestationError("pck_extension", `Cannot read the SGX extension of the PCK certificate: ${why}`);

/** The members of a list of identifiers and values; none may come twice. */
function membersOf(content: Uint8Array, what: string): Map<string, DerReader> {
  const members = new Map<string, DerReader>();
  const list = new DerReader(content);
  while (!list.done) {
    const member = list.inside(what);
    const id = readObjectId(member, what);
    if (members.has(id)) throw fail(`${id} comes twice`);
    members.set(id, member);
  }
  return members;
}

function octets(members: Map<string, DerReader>, id: string, length: number): string {
  const member = members.get(id);
  if (member === undefined) throw fail(`${id} is missing`);
  const { content } = member.next(id, TAG.octetString);
  member.end(id);
  if (content.length !== length) throw fail(`${id} has ${content.length} bytes`);
  return toHex(content);
}

function number(members: Map<string, DerReader>, id: string, maximum: number): number {
  const member = members.get(id);
  if (member === undefined) throw fail(`${id} is missing`);
  const value = readInteger(member, id);
  member.end(id);
  if (value > maximum) throw fail(`${id} is ${value}`);
  return value;
}

/**
 * Reads the SGX extension of a PCK certificate.
 *
 * @throws {AttestationError} with `pck_extension` when it is missing or incomplete, `der` when it is not DER.
 */
export function pckExtensionOf(certificate: Certificate): PckExtension {
  const value = extensionOf(certificate, SGX_EXTENSION);
  ensure(value !== undefined, "pck_extension", "Cannot use the PCK certificate: it has no SGX extension");
  const what = "the SGX extension";
  const members = membersOf(readOne(value, what).content, what);
  const tcb = members.get(`${SGX_EXTENSION}.2`);
  if (tcb === undefined) throw fail("the TCB is missing");
  const levels = membersOf(tcb.next(what, TAG.sequence).content, what);
  const svn = (place: number, maximum: number) => number(levels, `${SGX_EXTENSION}.2.${place}`, maximum);
  const instance = `${SGX_EXTENSION}.6`;
  return {
    ppid: octets(members, `${SGX_EXTENSION}.1`, 16),
    components: Array.from({ length: 16 }, (_, at) => svn(at + 1, 255)),
    pceSvn: svn(17, 65_535),
    cpuSvn: octets(levels, `${SGX_EXTENSION}.2.18`, 16),
    pceId: octets(members, `${SGX_EXTENSION}.3`, 2),
    fmspc: octets(members, `${SGX_EXTENSION}.4`, 6),
    platformInstanceId: members.has(instance) ? octets(members, instance, 16) : undefined,
  };
}

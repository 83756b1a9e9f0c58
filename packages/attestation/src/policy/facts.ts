import { toHex } from "../encoding/text.ts";
import type { SgxReport } from "../quote/sgx-report.ts";
import type { TdReport } from "../quote/td-report.ts";
import type { Facts } from "./measurement.ts";

/** What a policy looks at, the same for every kind of evidence. */
export interface Environment {
  /** What runs. */
  readonly facts: Facts;
  /** Whether its host can read its memory. */
  readonly debug: boolean;
  /** Attributes that a policy must accept by name. */
  readonly weaknesses: readonly string[];
  /** The ids of the platform, in hexadecimal or as the vendor writes them. */
  readonly platforms: readonly string[];
}

const SGX_FLAG = { init: 0x01, debug: 0x02 } as const;

/** What is in the report of an enclave. */
export function sgxEnvironment(report: SgxReport, platforms: readonly string[]): Environment {
  const { mrEnclave, mrSigner, isvExtProdId, isvFamilyId, configId, isvProdId, isvSvn, attributes } = report;
  const flags = attributes[0] ?? SGX_FLAG.debug;
  const bytes = { mrEnclave, mrSigner, isvExtProdId, isvFamilyId, configId };
  return {
    facts: { kind: "sgx", values: { ...inHex(bytes), isvProdId, isvSvn } },
    debug: (flags & SGX_FLAG.debug) !== 0,
    weaknesses: (flags & SGX_FLAG.init) === 0 ? ["an enclave that is not initialised"] : [],
    platforms,
  };
}

/** Bits of TDATTRIBUTES that have a name; DEBUG is judged apart, and PERFMON weakens nothing. */
const TD_BITS: Readonly<Record<number, string>> = { 27: "LASS", 29: "MIGRATABLE", 30: "PKS", 31: "KL" };
const DEBUG_BIT = 0;
const SEPT_VE_DISABLE_BIT = 28;
const PERFMON_BIT = 63;

/** What weakens a trust domain. A bit without a name may mean anything, so that no policy accepts it. */
function tdWeaknesses(attributes: Uint8Array): string[] {
  const isSet = (bit: number) => (((attributes[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1;
  const set = Array.from({ length: 64 }, (_, bit) => bit).filter(isSet);
  const judged = set.filter((bit) => ![DEBUG_BIT, SEPT_VE_DISABLE_BIT, PERFMON_BIT].includes(bit));
  const named = judged.map((bit) => TD_BITS[bit] ?? `reserved bit ${bit}`);
  return isSet(SEPT_VE_DISABLE_BIT) ? named : [...named, "SEPT_VE_ENABLED"];
}

/** What is in the report of a trust domain. */
export function tdxEnvironment(report: TdReport, platforms: readonly string[]): Environment {
  const { mrTd, mrConfigId, mrOwner, mrOwnerConfig, mrSeam, rtMrs, tdAttributes } = report;
  const [rtMr0, rtMr1, rtMr2, rtMr3] = rtMrs;
  const bytes = { mrTd, mrConfigId, mrOwner, mrOwnerConfig, mrSeam, rtMr0, rtMr1, rtMr2, rtMr3 };
  return {
    facts: { kind: "tdx", values: inHex(bytes) },
    // The whole first byte is "TD under debug": each bit there gives the host a way in.
    debug: tdAttributes[0] !== 0,
    weaknesses: tdWeaknesses(tdAttributes),
    platforms,
  };
}

/** Byte strings in hexadecimal. */
export const inHex = (bytes: Readonly<Record<string, Uint8Array>>): Record<string, string> =>
  Object.fromEntries(Object.entries(bytes).map(([name, value]) => [name, toHex(value)]));

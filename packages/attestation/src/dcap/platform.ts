import { isZero } from "../encoding/bytes.ts";
import { toHex } from "../encoding/text.ts";
import { AttestationError, ensure } from "../errors.ts";
import type { Quote } from "../quote/quote.ts";
import type { TdReport } from "../quote/td-report.ts";
import type { PckExtension } from "../x509/sgx-extension.ts";
import { matchesUnder } from "./checks.ts";
import { type TcbStatus, worstOf } from "./status.ts";
import type { IsvLevel, TcbInfo, TcbLevel, TdxModule } from "./tcb-info.ts";

/** What a check of the platform came to. */
export interface PlatformTcb {
  /** The worst of platform, quoting enclave and TDX module. */
  readonly status: TcbStatus;
  /** When Intel set the level of the platform. */
  readonly date: string;
  /** The ids of the advisories that apply, sorted. */
  readonly advisories: readonly string[];
  /** Which evaluation of Intel's the levels are of: the lower of TCB info and QE identity. */
  readonly evaluationNumber: number;
}

const NO_LEVELS: readonly IsvLevel[] = [];

/** TEE_TCB_SVN[1] is the generation of the module, and 0 the first one, which has no identity of its own. */
function moduleOf(info: TcbInfo, { teeTcbSvn }: TdReport): TdxModule & { readonly levels: readonly IsvLevel[] } {
  const generation = teeTcbSvn[1] ?? 0;
  if (generation === 0) {
    ensure(info.tdxModule !== undefined, "tdx_module", "Cannot judge the TDX module: the TCB info has none");
    return { ...info.tdxModule, levels: NO_LEVELS };
  }
  const id = `TDX_${toHex(Uint8Array.of(generation))}`.toUpperCase();
  const identity = info.tdxModuleIdentities.find((one) => one.id.toUpperCase() === id);
  ensure(identity !== undefined, "tdx_module", `Cannot judge the TDX module: the TCB info has no ${id}`);
  return identity;
}

/** Judges the TDX module of a quote and gives the level it reaches; enclaves and the first generation have none. */
export function matchTdxModule(info: TcbInfo, { report }: Quote): IsvLevel | null {
  if (report.kind === "sgx") return null;
  const what = "Cannot trust the TDX module:";
  const { mrSigner, attributes, attributesMask, levels } = moduleOf(info, report);
  const isSigner = matchesUnder(report.mrSignerSeam, new Uint8Array(48).fill(0xff), mrSigner);
  ensure(isSigner, "tdx_module", `${what} its signer is ${toHex(report.mrSignerSeam)}`);
  // Bits outside of the mask are none of Intel's either.
  const hasAttributes =
    matchesUnder(report.seamAttributes, attributesMask, attributes) && isZero(report.seamAttributes);
  ensure(hasAttributes, "tdx_module", `${what} its attributes are ${toHex(report.seamAttributes)}`);
  const hasServiceTd = report.mrServiceTd !== undefined && !isZero(report.mrServiceTd);
  ensure(!hasServiceTd, "tdx_module", `${what} a service domain may migrate the trust domain`);
  if ((report.teeTcbSvn[1] ?? 0) === 0) return null;
  const level = levels.find(({ isvSvn }) => (report.teeTcbSvn[0] ?? 0) >= isvSvn);
  ensure(level !== undefined, "tdx_module", `${what} no level fits its security version ${report.teeTcbSvn[0]}`);
  return level;
}

const reaches = (have: readonly number[], level: readonly number[], from = 0): boolean =>
  level.every((svn, at) => at < from || (have[at] ?? -1) >= svn);

/** The first level whose every component the platform reaches; the levels are sorted, the highest first. */
function levelOf(info: TcbInfo, pck: PckExtension, teeTcbSvn: Uint8Array | undefined): TcbLevel | undefined {
  // Components 0 and 1 are the TDX module, which has levels of its own from its second generation on.
  const from = (teeTcbSvn?.[1] ?? 0) > 0 ? 2 : 0;
  return info.levels.find(
    ({ sgx, tdx, pceSvn }) =>
      reaches(pck.components, sgx) &&
      pck.pceSvn >= pceSvn &&
      (teeTcbSvn === undefined || reaches([...teeTcbSvn], tdx, from)),
  );
}

const RELAUNCH: Readonly<Partial<Record<TcbStatus, TcbStatus>>> = {
  UpToDate: "TDRelaunchAdvised",
  SWHardeningNeeded: "TDRelaunchAdvised",
  ConfigurationNeeded: "TDRelaunchAdvisedConfigurationNeeded",
  ConfigurationAndSWHardeningNeeded: "TDRelaunchAdvisedConfigurationNeeded",
};

/** Whether the module was updated under a running trust domain, so that a new launch would be current. */
function relaunchStatus(status: TcbStatus, info: TcbInfo, pck: PckExtension, quote: Quote, qe: IsvLevel): TcbStatus {
  const { report } = quote;
  const isOld = status === "OutOfDate" || status === "OutOfDateConfigurationNeeded";
  if (!isOld || report.kind !== "tdx" || report.teeTcbSvn2 === undefined) return status;
  const level = levelOf(info, pck, report.teeTcbSvn2);
  if (level === undefined) return status;
  try {
    const module = matchTdxModule(info, { ...quote, report: { ...report, teeTcbSvn: report.teeTcbSvn2 } });
    const now = worstOf([level.status, qe.status, ...(module === null ? [] : [module.status])]);
    return RELAUNCH[now] ?? status;
  } catch (error) {
    if (error instanceof AttestationError) return status;
    throw error;
  }
}

/** Judges the platform: its level, and the worst of everything. */
export function matchPlatform(
  info: TcbInfo,
  pck: PckExtension,
  quote: Quote,
  qe: IsvLevel,
  module: IsvLevel | null,
): Omit<PlatformTcb, "evaluationNumber"> {
  const { report } = quote;
  const level = levelOf(info, pck, report.kind === "tdx" ? report.teeTcbSvn : undefined);
  ensure(level !== undefined, "tcb_level", `Cannot judge the platform: no TCB level fits ${pck.components.join(".")}`);
  const parts = [level, qe, ...(module === null ? [] : [module])];
  const status = relaunchStatus(worstOf(parts.map((part) => part.status)), info, pck, quote, qe);
  const advisories = [...new Set(parts.flatMap((part) => part.advisories))].sort();
  return { status, date: level.date, advisories };
}

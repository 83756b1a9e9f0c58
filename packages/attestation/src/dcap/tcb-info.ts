import { Members, parseObject } from "../encoding/json.ts";
import { toHex } from "../encoding/text.ts";
import { AttestationError, ensure } from "../errors.ts";

/** A level of the TDX module, or of the quoting enclave: from which security version on it applies. */
export interface IsvLevel {
  readonly isvSvn: number;
  readonly status: string;
  readonly advisories: readonly string[];
}

/** A level of a platform: the security versions from which on it applies. */
export interface TcbLevel {
  readonly sgx: readonly number[];
  readonly tdx: readonly number[];
  readonly pceSvn: number;
  /** When it was set, as Intel writes it. */
  readonly date: string;
  readonly status: string;
  readonly advisories: readonly string[];
}

/** What a TDX module must be. */
export interface TdxModule {
  readonly mrSigner: Uint8Array;
  readonly attributes: Uint8Array;
  readonly attributesMask: Uint8Array;
}

/** What one generation of TDX modules must be, and its levels. */
export interface TdxModuleIdentity extends TdxModule {
  readonly id: string;
  readonly levels: readonly IsvLevel[];
}

/** What Intel says about a family of platforms, read and not judged. */
export interface TcbInfo {
  readonly kind: "SGX" | "TDX";
  readonly issuedAt: number;
  readonly nextUpdateAt: number;
  readonly fmspc: string;
  readonly pceId: string;
  readonly evaluationNumber: number;
  /** The highest first. */
  readonly levels: readonly TcbLevel[];
  readonly tdxModule: TdxModule | undefined;
  readonly tdxModuleIdentities: readonly TdxModuleIdentity[];
}

const CODE = "collateral_format";

/** The highest first, whatever the order in the document. */
const descending = (a: readonly number[], b: readonly number[]): number => {
  const at = a.findIndex((value, place) => value !== b[place]);
  return (b[at] ?? 0) - (a[at] ?? 0);
};

const common = (level: Members) => ({ status: level.text("tcbStatus"), advisories: level.texts("advisoryIDs") });

/** Reads levels by security version, the highest first. */
export function readIsvLevels(members: Members, what: string): IsvLevel[] {
  const levels = members.list("tcbLevels").map((value) => {
    const level = new Members(value, `${what}, a level`, CODE);
    return { isvSvn: level.members("tcb").integer("isvsvn", 65_535), ...common(level) };
  });
  return levels.sort((a, b) => b.isvSvn - a.isvSvn);
}

const PLACES = Array.from({ length: 16 }, (_, at) => at);

/** Version 2 has a member for each component, version 3 a list. */
function readSvns(tcb: Members, name: "sgx" | "tdx", version: number): number[] {
  if (version === 2) return PLACES.map((at) => tcb.integer(`sgxtcbcomp${`${at + 1}`.padStart(2, "0")}svn`, 255));
  const list = tcb.list(`${name}tcbcomponents`);
  ensure(list.length === 16, CODE, `Cannot read the TCB info: ${list.length} ${name} components`);
  return list.map((value) => new Members(value, "the TCB info, a component", CODE).integer("svn", 255));
}

function readLevel(value: unknown, kind: TcbInfo["kind"], version: number): TcbLevel {
  const level = new Members(value, "the TCB info, a level", CODE);
  const tcb = level.members("tcb");
  return {
    sgx: readSvns(tcb, "sgx", version),
    tdx: kind === "TDX" ? readSvns(tcb, "tdx", version) : [],
    pceSvn: tcb.integer("pcesvn", 65_535),
    date: level.text("tcbDate"),
    ...common(level),
  };
}

const readModule = (members: Members): TdxModule => ({
  mrSigner: members.hex("mrsigner", 48),
  attributes: members.hex("attributes", 8),
  attributesMask: members.hex("attributesMask", 8),
});

function readModuleIdentities(members: Members): TdxModuleIdentity[] {
  if (!members.has("tdxModuleIdentities")) return [];
  return members.list("tdxModuleIdentities").map((value) => {
    const identity = new Members(value, "the TCB info, a TDX module", CODE);
    return { id: identity.text("id"), ...readModule(identity), levels: readIsvLevels(identity, "a TDX module") };
  });
}

/** Version 2 is for SGX alone and does not say so. */
function kindOf(members: Members, version: number): TcbInfo["kind"] {
  if (version === 2) return "SGX";
  const id = members.text("id");
  if (version === 3 && (id === "SGX" || id === "TDX")) return id;
  throw new AttestationError("tcb_info_kind", `Cannot use the TCB info: ${id} in version ${version} is not known`);
}

const keyOf = ({ sgx, pceSvn, tdx }: TcbLevel): number[] => [...sgx, pceSvn, ...tdx];

/** Reads the TCB info: what it says, not whether Intel says it. */
export function parseTcbInfo(text: string): TcbInfo {
  const members = new Members(parseObject(text, "the TCB info"), "the TCB info", CODE);
  const version = members.integer("version");
  const kind = kindOf(members, version);
  ensure(members.integer("tcbType") === 0, "tcb_info_kind", "Cannot use the TCB info: its tcbType is not 0");
  const levels = members.list("tcbLevels").map((value) => readLevel(value, kind, version));
  return {
    kind,
    issuedAt: members.instant("issueDate"),
    nextUpdateAt: members.instant("nextUpdate"),
    fmspc: toHex(members.hex("fmspc", 6)),
    pceId: toHex(members.hex("pceId", 2)),
    evaluationNumber: members.integer("tcbEvaluationDataNumber"),
    levels: levels.sort((a, b) => descending(keyOf(a), keyOf(b))),
    tdxModule: members.has("tdxModule") ? readModule(members.members("tdxModule")) : undefined,
    tdxModuleIdentities: readModuleIdentities(members),
  };
}

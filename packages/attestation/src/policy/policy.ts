import { TCB_STATUSES, type TcbStatus } from "../dcap/status.ts";
import { compileMeasurement, type Facts, type Measurement } from "./measurement.ts";

/** Attributes that weaken an environment somewhat, and that a policy may accept by name. */
export type WeakAttribute = "MIGRATABLE" | "PKS" | "KL" | "LASS" | "SEPT_VE_ENABLED" | "MIGRATION_AGENT";

/** What evidence is accepted. Valid is not yet trusted: this says what is. */
export interface AttestationPolicy {
  /** What may run: evidence must be as one of these says. There is no "anything". */
  readonly measurements: readonly Measurement[];
  /** The TCB statuses of Intel that are accepted. @default ["UpToDate"] */
  readonly tcbStatuses?: readonly TcbStatus[] | undefined;
  /** The advisories that are accepted where the level of a platform names some. @default none */
  readonly advisories?: readonly string[] | "any" | undefined;
  /** The lowest `tcbEvaluationDataNumber` of collateral that is accepted. @default any */
  readonly minimumEvaluationNumber?: number | undefined;
  /**
   * The platforms that are accepted: the PPID or the platform instance id of Intel, the chip id of AMD, the module id of
   * Nitro. Physical attacks extract keys of platforms that somebody can open: name yours. @default any
   */
  readonly platforms?: readonly string[] | undefined;
  /** Weak attributes that are accepted. @default none */
  readonly attributes?: readonly WeakAttribute[] | undefined;
  /** Whether environments are accepted whose host can read their memory. For development alone. @default false */
  readonly allowDebug?: boolean | undefined;
  /** How old evidence of a key may be, by the time in its claims. @default 86400000, a day */
  readonly maxAgeMs?: number | undefined;
  /** How long after its time collateral is still taken. @default 0 */
  readonly collateralGraceMs?: number | undefined;
  /** Whether AMD evidence is accepted without the revocation list of its issuer. @default false */
  readonly allowMissingCrl?: boolean | undefined;
}

/** A policy that was checked and compiled. */
export interface CompiledPolicy {
  /** Whether what runs is allowed. */
  readonly allows: (facts: Facts) => boolean;
  /** The kinds of evidence that the policy has a rule for. */
  readonly kinds: ReadonlySet<Measurement["kind"]>;
  /** The statuses that are accepted. */
  readonly tcbStatuses: ReadonlySet<TcbStatus>;
  /** The advisories that are accepted; `undefined` for any. */
  readonly advisories: ReadonlySet<string> | undefined;
  /** The lowest evaluation number that is accepted. */
  readonly minimumEvaluationNumber: number;
  /** The platforms that are accepted; `undefined` for any. */
  readonly platforms: ReadonlySet<string> | undefined;
  /** The weak attributes that are accepted. */
  readonly attributes: ReadonlySet<string>;
  /** Whether debug is accepted. */
  readonly allowDebug: boolean;
  /** How old evidence of a key may be. */
  readonly maxAgeMs: number;
  /** How long after its time collateral is still taken. */
  readonly collateralGraceMs: number;
  /** Whether AMD evidence is accepted without a revocation list. */
  readonly allowMissingCrl: boolean;
}

const DAY_MS = 86_400_000;
const WEAK: readonly string[] = [
  "MIGRATABLE",
  "PKS",
  "KL",
  "LASS",
  "SEPT_VE_ENABLED",
  "MIGRATION_AGENT",
] satisfies WeakAttribute[];

function ensureKnown(values: readonly string[], known: readonly string[], what: string): void {
  const unknown = values.find((value) => !known.includes(value));
  if (unknown !== undefined) throw new TypeError(`Cannot use the policy: ${what} ${unknown} is not known`);
}

function span(value: number | undefined, fallback: number, what: string): number {
  const span = value ?? fallback;
  if (!Number.isFinite(span) || span < 0)
    throw new TypeError(`Cannot use the policy: ${what} is no span of time: ${span}`);
  return span;
}

/**
 * Checks a policy and compiles it.
 *
 * @throws {TypeError} when it allows nothing, or says something that is not understood.
 * @example
 * const policy = compilePolicy({ measurements: [{ kind: "sgx", mrEnclave: "2f".repeat(32) }] });
 */
export function compilePolicy(policy: AttestationPolicy): CompiledPolicy {
  const { measurements, tcbStatuses = ["UpToDate"], advisories = [], attributes = [], platforms } = policy;
  if (!Array.isArray(measurements) || measurements.length === 0) {
    throw new TypeError("Cannot use the policy: it names no measurement, so that it could accept nothing");
  }
  ensureKnown(tcbStatuses, TCB_STATUSES, "TCB status");
  ensureKnown(attributes, WEAK, "attribute");
  if (platforms?.length === 0) throw new TypeError("Cannot use the policy: its list of platforms is empty");
  const minimumEvaluationNumber = policy.minimumEvaluationNumber ?? 0;
  if (!Number.isInteger(minimumEvaluationNumber))
    throw new TypeError("Cannot use the policy: minimumEvaluationNumber is no integer");
  const rules = policy.measurements.map(compileMeasurement);
  return Object.freeze({
    allows: (facts: Facts) => rules.some((holds) => holds(facts)),
    kinds: new Set(policy.measurements.map(({ kind }) => kind)),
    tcbStatuses: new Set(tcbStatuses),
    advisories: advisories === "any" ? undefined : new Set(advisories),
    minimumEvaluationNumber,
    platforms: platforms === undefined ? undefined : new Set(platforms.map((id) => id.toLowerCase())),
    attributes: new Set<string>(attributes),
    allowDebug: policy.allowDebug ?? false,
    maxAgeMs: span(policy.maxAgeMs, DAY_MS, "maxAgeMs"),
    collateralGraceMs: span(policy.collateralGraceMs, 0, "collateralGraceMs"),
    allowMissingCrl: policy.allowMissingCrl ?? false,
  });
}

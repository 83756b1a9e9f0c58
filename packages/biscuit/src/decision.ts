import type { Policy, PolicyKind } from "./datalog/model.ts";
import { AuthorizationError, type BiscuitError, type RustJson, UsageError } from "./errors.ts";
import { printPolicy } from "./text/printer.ts";

/** A check that did not hold. */
export interface FailedCheck {
  /** The block of the check, 0 for the authority; `undefined` for the authorizer. */
  readonly block: number | undefined;
  /** The place of the check in its block, from 0. */
  readonly index: number;
  /** The check as Datalog text. */
  readonly check: string;
}

/** The first policy that matched. */
export class MatchedPolicy {
  /** Whether it allows or denies. */
  readonly kind: PolicyKind;
  /** Its place in the authorizer, from 0. */
  readonly index: number;
  readonly #source: Policy;

  constructor(source: Policy, index: number) {
    this.kind = source.kind;
    this.index = index;
    this.#source = source;
  }

  /** The policy as Datalog text. */
  get policy(): string {
    return printPolicy(this.#source);
  }

  toJSON(): object {
    return { kind: this.kind, index: this.index, policy: this.policy };
  }
}

interface Outcome {
  readonly policy: MatchedPolicy | undefined;
  readonly failedChecks: readonly FailedCheck[];
  readonly error: BiscuitError | undefined;
  readonly fuelUsed: number;
}

function checkJson({ block, index, check }: FailedCheck): RustJson {
  if (block === undefined) return { Authorizer: { check_id: index, rule: check } };
  return { Block: { block_id: block, check_id: index, rule: check } };
}

/**
 * The verdict of an authorization. A refusal is a decision too, and every object is true as a condition: ask for
 * {@link Decision.allowed}, or let {@link Decision.assertAllowed} throw.
 *
 * @example
 * const decision = authorizer.authorize(token);
 * if (!decision.allowed) console.log(decision.reason);
 */
export class Decision {
  /** The policy that matched, `undefined` when none did or evaluation failed before the policies. */
  readonly policy: MatchedPolicy | undefined;
  /** The checks that did not hold, in the order in which they were judged. */
  readonly failedChecks: readonly FailedCheck[];
  /** Why evaluation could not be finished: a failed expression, a spent limit, an invalid rule. */
  readonly error: BiscuitError | undefined;
  /** The steps of evaluation, which are the same on every machine. */
  readonly fuelUsed: number;

  constructor({ policy, failedChecks, error, fuelUsed }: Outcome) {
    this.policy = policy;
    this.failedChecks = failedChecks;
    this.error = error;
    this.fuelUsed = fuelUsed;
  }

  /** Whether evaluation was finished, every check held, and the first policy that matched is an `allow`. */
  get allowed(): boolean {
    return this.error === undefined && this.failedChecks.length === 0 && this.policy?.kind === "allow";
  }

  /** Why, in a sentence. */
  get reason(): string {
    if (this.error !== undefined) return this.error.message;
    const checks = this.failedChecks.map(
      ({ block, index, check }) => `${block === undefined ? "authorizer" : `block ${block}`}, check ${index}: ${check}`,
    );
    const failed = checks.length === 0 ? "" : `; these checks do not hold: ${checks.join("; ")}`;
    if (this.policy === undefined) return `No policy matches${failed}`;
    return `Policy ${this.policy.index} matches: ${this.policy.policy}${failed}`;
  }

  /**
   * Returns this decision if it allows, and throws if it does not.
   *
   * @throws {AuthorizationError} `unauthorized` or `no_matching_policy`, or the error that ended evaluation.
   */
  assertAllowed(): this {
    if (this.allowed) return this;
    throw this.error ?? this.#refusal();
  }

  #refusal(): AuthorizationError {
    const checks = this.failedChecks.map(checkJson);
    if (this.policy === undefined) {
      return new AuthorizationError("no_matching_policy", this.reason, { checks });
    }
    const policy = this.policy.kind === "allow" ? { Allow: this.policy.index } : { Deny: this.policy.index };
    return new AuthorizationError("unauthorized", this.reason, { policy, checks });
  }

  /** The verdict in the reference's JSON: `{ Ok: index }` or `{ Err: … }`. */
  toRustJson(): RustJson {
    if (this.allowed) return { Ok: this.policy?.index ?? 0 };
    return { Err: (this.error ?? this.#refusal()).toRustJson() };
  }

  /** `Decision(allowed)` or `Decision(denied)`. */
  toString(): string {
    return `Decision(${this.allowed ? "allowed" : "denied"})`;
  }

  /**
   * Refuses to become a number, or to be compared with a boolean by `==`.
   *
   * @throws {UsageError} `decision_as_value`.
   */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === "string") return this.toString();
    throw new UsageError(
      "decision_as_value",
      "Cannot use a decision as a value: ask for decision.allowed, or call decision.assertAllowed()",
    );
  }

  /** The decision for a log: its verdict, the reason for it, and what it cost. */
  toJSON(): object {
    const { allowed, reason, policy, failedChecks, fuelUsed } = this;
    return { allowed, reason, policy, failedChecks, fuelUsed, ...(this.error && { error: this.error.code }) };
  }
}

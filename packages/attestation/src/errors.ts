import type { ReasonCode } from "./reasons.ts";

/** Why evidence is not accepted: a code to branch on, and words for a person. */
export interface Reason {
  /** One of the codes of {@link REASONS}. */
  readonly code: ReasonCode;
  /** What was found and what was expected; it holds no secret. */
  readonly message: string;
}

/** Evidence, or what comes with it, cannot be read or is not accepted. */
export class AttestationError extends Error {
  override readonly name = "AttestationError";
  /** The code of the first reason. */
  readonly code: ReasonCode;
  /** Every reason, in the order of the checks; at least one. */
  readonly reasons: readonly Reason[];

  constructor(code: ReasonCode, message: string, reasons: readonly Reason[] = [{ code, message }]) {
    super(message);
    this.code = code;
    this.reasons = reasons;
  }
}

/** Throws an {@link AttestationError} unless a condition holds. */
export function ensure(condition: boolean, code: ReasonCode, message: string): asserts condition {
  if (!condition) throw new AttestationError(code, message);
}

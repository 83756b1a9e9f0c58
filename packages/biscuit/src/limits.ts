import { LimitError } from "./errors.ts";

/** What reading a token may cost: the limits that `Biscuit.parse` takes. */
export interface TokenLimits {
  /** Bytes of a token. @default 32_768 */
  readonly maxTokenBytes: number;
  /** Blocks of a token, the authority included; one of a third party counts twice, as it is signed twice. @default 64 */
  readonly maxBlocks: number;
  /**
   * UTF-16 units of text in a token when every mention of a symbol or key is written out: a mention takes two bytes,
   * however long what it names, and it is written out to be sorted, compared and printed. @default 131_072
   */
  readonly maxText: number;
}

/** What an evaluation may cost: the limits that an `Authorizer` takes. Every verdict is the same on every machine. */
export interface EvaluationLimits {
  /** Steps of evaluation: join candidates, expression steps, regex steps, bytes built. @default 30_000 */
  readonly fuel: number;
  /** Facts at which the engine stops deriving more. @default 1000 */
  readonly maxFacts: number;
  /** Rounds of rule application. @default 100 */
  readonly maxIterations: number;
}

/** All limits: one object may be given to `Biscuit.parse` and to `Authorizer`, and each goes by its own part of it. */
export interface Limits extends TokenLimits, EvaluationLimits {}

/** The limits that hold unless others are given. */
export const DEFAULT_LIMITS: Limits = Object.freeze({
  fuel: 30_000,
  maxFacts: 1000,
  maxIterations: 100,
  maxTokenBytes: 32_768,
  maxBlocks: 64,
  maxText: 131_072,
});

/**
 * Completes and checks limits.
 *
 * @throws {RangeError} for a limit that is no positive integer, and for a name that is no limit's.
 */
export function resolveLimits(limits?: Partial<Limits>): Limits {
  if (limits === undefined) return DEFAULT_LIMITS;
  const resolved = { ...DEFAULT_LIMITS, ...limits };
  for (const [name, value] of Object.entries(resolved)) {
    // A limit of another name would limit nothing.
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) throw new RangeError(`Cannot find a limit of this name: ${name}`);
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`Cannot use a limit that is no positive integer: ${name} = ${value}`);
    }
  }
  return Object.freeze(resolved);
}

/**
 * A deterministic allowance of work: every join candidate, expression step, closure step, regex step and byte built is
 * charged to it, so the same input gets the same verdict on every machine and at every load.
 *
 * @throws {LimitError} code `fuel` from {@link Fuel.spend} once the allowance is used up.
 * @example
 * const fuel = new Fuel(1000);
 * fuel.spend(10);
 */
export class Fuel {
  /** What was allowed at the start, in steps. */
  readonly limit: number;
  /** What is left, in steps; negative once exhausted. */
  remaining: number;

  constructor(limit: number) {
    this.limit = limit;
    this.remaining = limit;
  }

  /** Charges `n` steps. */
  spend(n: number): void {
    this.remaining -= n;
    if (this.remaining < 0) throw new LimitError("fuel", `Cannot evaluate within the fuel limit: ${this.limit}`);
  }
}

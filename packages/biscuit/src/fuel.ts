import { LimitError } from "./errors.ts";

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

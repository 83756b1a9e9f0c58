import { AttestationError, type Reason } from "../errors.ts";
import type { StepName } from "./steps.ts";

/** A check and how it came out. */
export interface Step {
  /** Which check. */
  readonly name: StepName;
  /** `not_run`: it needs what an earlier check should have given. Only what passed counts. */
  readonly outcome: "passed" | "failed" | "not_run";
  /** Why it failed. */
  readonly reason?: Reason | undefined;
}

/** The outcome of all checks: evidence is accepted when every one passed. */
export interface Verdict {
  /** Whether every check passed. */
  readonly accepted: boolean;
  /** Every check, in order. */
  readonly steps: readonly Step[];
  /** Why it is not accepted, in the order of the checks; empty when it is. */
  readonly reasons: readonly Reason[];
}

type Present<Inputs extends readonly unknown[]> = {
  [Place in keyof Inputs]: Exclude<Awaited<Inputs[Place]>, undefined>;
};

const isPresent = <Inputs extends readonly unknown[]>(values: readonly unknown[]): values is Present<Inputs> =>
  values.every((value) => value !== undefined);

/**
 * Runs checks that need what others give, side by side where they can. A check whose input is missing does not run, and what
 * did not run is not accepted: nothing is skipped in silence.
 */
export class Checklist {
  readonly #steps: Step[] = [];
  readonly #running: Promise<unknown>[] = [];

  /** Runs a check; `undefined` when it failed or did not run. A check that gives nothing gives `true`. */
  run<const Inputs extends readonly unknown[], Result>(
    name: StepName,
    inputs: Inputs,
    check: (...inputs: Present<Inputs>) => Result | Promise<Result>,
  ): Promise<Result | undefined> {
    const place = this.#steps.push({ name, outcome: "not_run" }) - 1;
    const running = this.#run(place, name, inputs, check);
    this.#running.push(running);
    return running;
  }

  /** Runs a check on which no other depends. */
  check<const Inputs extends readonly unknown[]>(
    name: StepName,
    inputs: Inputs,
    check: (...inputs: Present<Inputs>) => unknown,
  ): void {
    void this.run(name, inputs, check);
  }

  async #run<Inputs extends readonly unknown[], Result>(
    place: number,
    name: StepName,
    inputs: Inputs,
    check: (...inputs: Present<Inputs>) => Result | Promise<Result>,
  ): Promise<Result | undefined> {
    const values = await Promise.all(inputs);
    if (!isPresent<Inputs>(values)) return undefined;
    try {
      const result = await check(...values);
      this.#steps[place] = { name, outcome: "passed" };
      return result;
    } catch (error) {
      if (!(error instanceof AttestationError)) throw error;
      const { code, message } = error;
      this.#steps[place] = { name, outcome: "failed", reason: { code, message } };
      return undefined;
    }
  }

  /** Takes over the checks of another list. */
  add(steps: readonly Step[]): void {
    this.#steps.push(...steps);
  }

  /** The outcome, when every check has run that can. */
  async verdict(): Promise<Verdict> {
    await Promise.all(this.#running);
    const steps = [...this.#steps];
    const reasons = steps.flatMap(({ reason }) => (reason === undefined ? [] : [reason]));
    return { accepted: steps.length > 0 && steps.every(({ outcome }) => outcome === "passed"), steps, reasons };
  }
}

/** Throws unless a verdict is that everything passed. */
export function ensureAccepted(verdict: Verdict, what: string): void {
  if (verdict.accepted) return;
  const [first = { code: "evidence_missing", message: "no check has run" } as const] = verdict.reasons;
  const all = verdict.reasons.map(({ code }) => code).join(", ");
  throw new AttestationError(first.code, `Cannot trust ${what}: ${first.message} (${all})`, verdict.reasons);
}

import { appraiseQuote } from "../../src/dcap/appraise.ts";
import { type Collateral, compilePolicy, VerificationCache } from "../../src/index.ts";
import { AT, createFixture, type Fixture, honestQuote, SGX_POLICY, TDX_POLICY, td15Quote } from "../support/forge.ts";
import { MUTATIONS, seeded } from "./mutate.ts";

/** What a run found. */
export interface FuzzReport {
  /** How many mutants were judged. */
  readonly judged: number;
  /** How many were refused. */
  readonly refused: number;
  /** Mutants that say the same as what they were made of. */
  readonly same: number;
  /** What should not be: a mutant that was accepted, a crash, a check that took long. */
  readonly faults: readonly string[];
}

interface Input {
  readonly quote: Uint8Array;
  readonly collateral: Collateral;
}

/** A simulated platform with honest evidence. */
export interface Target extends Input {
  readonly name: string;
  readonly fixture: Fixture;
}

/** Three kinds of quotes, each of a platform of its own. */
export async function createTargets(): Promise<Target[]> {
  const makers = { sgx: honestQuote, tdx: honestQuote, "tdx 1.5": td15Quote } as const;
  return Promise.all(
    Object.entries(makers).map(async ([name, make]) => {
      const fixture = await createFixture(name === "sgx" ? "sgx" : "tdx");
      return { name, fixture, quote: await make(fixture), collateral: fixture.collateral };
    }),
  );
}

/** One for all: what is known of the honest must help no mutant. */
const cache = new VerificationCache();
const policies = { sgx: compilePolicy(SGX_POLICY), tdx: compilePolicy(TDX_POLICY) };

/** More than any check computes, by far. Of the processor, not of the clock: a busy machine is no fault. */
const LIMIT_MS = 5000;
const computedMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Judges one input; a fault where it is accepted, crashes or takes long. */
export async function judge({ fixture }: Target, input: Input): Promise<"refused" | string> {
  const start = computedMs();
  try {
    const options = {
      collateral: input.collateral,
      at: AT,
      policy: policies[fixture.tee],
      roots: fixture.roots,
      cache,
    };
    const { accepted, reasons } = await appraiseQuote(input.quote, options);
    if (accepted) return "accepted";
    if (reasons.length === 0) return "refused without a reason";
    return computedMs() - start > LIMIT_MS ? "took long" : "refused";
  } catch (error) {
    return `crashed: ${error instanceof Error ? error.stack : error}`;
  }
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

/** Padding of a quote, and the end of the last line of a PEM text, may be there or not. */
const isSame = (before: Uint8Array, after: Uint8Array): boolean =>
  latin1(before).replace(/[\0\n]+$/, "") === latin1(after).replace(/[\0\n]+$/, "");

const PARTS = [
  "quote",
  "pckCrlIssuerChain",
  "rootCaCrl",
  "pckCrl",
  "tcbInfoIssuerChain",
  "tcbInfo",
  "tcbInfoSignature",
  "qeIdentityIssuerChain",
  "qeIdentity",
  "qeIdentitySignature",
] as const;

/** Puts one mutant in the place of one part. */
function mutant(
  target: Target,
  part: (typeof PARTS)[number],
  mutate: (bytes: Uint8Array) => Uint8Array,
): Input | undefined {
  const whole = part === "quote" ? target.quote : target.collateral[part];
  const before = typeof whole === "string" ? new Uint8Array(Buffer.from(whole, "latin1")) : whole;
  const after = mutate(before);
  if (isSame(before, after)) return undefined;
  if (part === "quote") return { quote: after, collateral: target.collateral };
  const value = typeof whole === "string" ? latin1(after) : after;
  return { quote: target.quote, collateral: { ...target.collateral, [part]: value } };
}

async function run(inputs: Iterable<readonly [string, Target, Input | undefined]>): Promise<FuzzReport> {
  let judged = 0;
  let same = 0;
  const faults: string[] = [];
  for (const [what, target, input] of inputs) {
    if (input === undefined) {
      same++;
      continue;
    }
    const outcome = await judge(target, input);
    judged++;
    if (outcome !== "refused") faults.push(`${what}: ${outcome}`);
  }
  return { judged, same, refused: judged - faults.length, faults };
}

/** Judges random mutants: a quote for every second one, and the parts of the collateral for the rest. */
export function fuzz(targets: readonly Target[], seed: number, count: number): Promise<FuzzReport> {
  const next = seeded(seed);
  const names = Object.keys(MUTATIONS);
  function* mutants() {
    for (let at = 0; at < count; at++) {
      const target = targets[next(targets.length)];
      const part = next(2) === 0 ? "quote" : (PARTS[next(PARTS.length)] ?? "quote");
      const name = names[next(names.length)] ?? "truncate";
      const mutate = MUTATIONS[name];
      if (target === undefined || mutate === undefined) continue;
      yield [
        `seed ${seed}, ${at}: ${name} in ${part} of ${target.name}`,
        target,
        mutant(target, part, (bytes) => mutate(bytes, next)),
      ] as const;
    }
  }
  return run(mutants());
}

/** Judges a quote with each of its bits flipped, or with every so manieth. */
export function flipEveryBit(target: Target, step = 1): Promise<FuzzReport> {
  function* flips() {
    for (let bit = 0; bit < target.quote.length * 8; bit += step) {
      const at = bit >> 3;
      const flip = (bytes: Uint8Array) => bytes.map((byte, place) => (place === at ? byte ^ (1 << (bit & 7)) : byte));
      yield [`bit ${bit & 7} of byte ${at} of ${target.name}`, target, mutant(target, "quote", flip)] as const;
    }
  }
  return run(flips());
}

/**
 * Quote verification beside `@phala/dcap-qvl`, in one process and in turns, with the same quotes and the same collateral:
 *
 *   npm run bench:attestation [-- --rounds 15] [--count 40]
 *
 * "Known" is with a cache that has seen the collateral and the platform before, as a server has: the signatures of report and
 * quote are computed every time. Both must come to the same status for every quote: for honest input the other one is the oracle. Genuine quotes are taken
 * where they are at hand (COUNTERSIGN_VECTORS), simulated ones always. Prints a table and writes bench/results/attestation.json.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  appraiseQuote,
  type Collateral,
  compilePolicy,
  formatCollateral,
  intelSgxRoot,
  parseCollateral,
  parseQuote,
  type TrustedRoot,
  VerificationCache,
} from "@countersign/attestation";
import { createSimulatedPlatform } from "@countersign/attestation/simulated";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "15" }, count: { type: "string", default: "40" } },
});
const rounds = Number(values.rounds);
const count = Number(values.count);

/** What is used of the other library. */
interface Other {
  QuoteVerifier: Record<"newProd" | "newWithRootCa", (root?: Buffer) => OtherVerifier>;
}
interface OtherVerifier {
  verify(quote: Uint8Array, collateral: object, nowSeconds: number): { readonly status: string };
}
const other: Other = createRequire(import.meta.url)("@phala/dcap-qvl");

interface Subject {
  readonly name: string;
  readonly quote: Uint8Array;
  readonly collateral: Collateral;
  readonly at: number;
  readonly roots: readonly TrustedRoot[];
  readonly verifier: OtherVerifier;
}

const vectors = process.env.COUNTERSIGN_VECTORS ?? join(import.meta.dirname, "../../../shared/vectors");

function genuine(): Subject[] {
  if (!existsSync(join(vectors, "dcap"))) return [];
  return ["sgx", "tdx"].map((name) => ({
    name: `genuine ${name}`,
    quote: new Uint8Array(readFileSync(join(vectors, `dcap/${name}_quote`))),
    collateral: parseCollateral(readFileSync(join(vectors, `dcap/${name}_quote_collateral.json`), "utf8")),
    at: Date.parse("2025-07-01T00:00:00Z"),
    roots: [intelSgxRoot],
    verifier: other.QuoteVerifier.newProd(),
  }));
}

async function simulated(): Promise<Subject[]> {
  const at = Date.parse("2026-06-01T12:00:00Z");
  const platform = await createSimulatedPlatform({ at });
  const data = new Uint8Array(64);
  const quotes = { sgx: await platform.sgxQuote(data), tdx: await platform.tdxQuote(data) };
  const [, , root = new Uint8Array()] = parseQuote(quotes.sgx).signature.certificates;
  const verifier = other.QuoteVerifier.newWithRootCa(Buffer.from(root));
  const subjects = (["sgx", "tdx"] as const).map(async (tee) => ({
    name: `simulated ${tee}`,
    quote: quotes[tee],
    collateral: await platform.collateral(tee),
    at,
    roots: [platform.root],
    verifier,
  }));
  return Promise.all(subjects);
}

/** Both measurements are allowed: what is measured is the way to the verdict. */
const policy = compilePolicy({
  measurements: [
    { kind: "sgx", mrEnclave: "00".repeat(32) },
    { kind: "tdx", mrTd: "00".repeat(48) },
  ],
});

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;

async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  for (let at = 0; at < count; at++) await work();
  return (performance.now() - start) / count;
}

async function compare({ name, quote, collateral, at, roots, verifier }: Subject) {
  const theirs: object = JSON.parse(formatCollateral(collateral));
  const cache = new VerificationCache();
  const ours = () => appraiseQuote(quote, { collateral, at, roots, policy });
  const cached = () => appraiseQuote(quote, { collateral, at, roots, policy, cache });
  const buffer = Buffer.from(quote);
  const others = () => verifier.verify(buffer, theirs, at / 1000);
  const [status, expected] = [(await ours()).tcb?.status, others().status];
  if (status !== expected) throw new Error(`${name}: we say ${status}, the other ${expected}`);
  const times: Record<"ours" | "cached" | "others", number[]> = { ours: [], cached: [], others: [] };
  for (let round = 0; round < rounds; round++) {
    times.ours.push(await timed(ours));
    times.cached.push(await timed(cached));
    times.others.push(await timed(others));
  }
  const [mine, known, theirsMs] = [median(times.ours), median(times.cached), median(times.others)];
  const rounded = (value: number) => Math.round(value * 100) / 100;
  return {
    quote: name,
    status,
    "other ms": rounded(theirsMs),
    "ours ms": rounded(mine),
    times: rounded(theirsMs / mine),
    "known ms": rounded(known),
    "known times": rounded(theirsMs / known),
  };
}

const rows: Awaited<ReturnType<typeof compare>>[] = [];
for (const subject of [...genuine(), ...(await simulated())]) rows.push(await compare(subject));
console.table(rows);
mkdirSync(join(import.meta.dirname, "../results"), { recursive: true });
const report = { node: process.version, cpu: cpus()[0]?.model, rounds, count, rows };
writeFileSync(join(import.meta.dirname, "../results/attestation.json"), `${JSON.stringify(report, null, 2)}\n`);

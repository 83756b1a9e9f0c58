/**
 * Biscuit beside the reference implementation in one process, in turns:
 *
 *   npm run bench:biscuit [-- --rounds 15] [--authorizations 1000000]
 *
 * Prints tables and writes bench/results/biscuit.json.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { Authorizer, Biscuit, fact, SignatureCache } from "@countersign/biscuit";
import { BOMBS } from "./bombs.ts";
import { measure, type Subject } from "./measure.ts";
import { openReference } from "./reference.ts";
import {
  ATTENUATION,
  AUTHORITY,
  bareSignatures,
  distinctTokens,
  floorAsync,
  floorSync,
  POLICY,
  rootOf,
} from "./tokens.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "15" },
    authorizations: { type: "string", default: "1000000" },
    bomb: { type: "string" },
    first: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);

const roots = { ed25519: rootOf("ed25519"), secp256r1: rootOf("secp256r1") };
const root = roots.ed25519;
const authorizer = new Authorizer(POLICY);
const facts = [
  fact("time", new Date(1_795_305_600_000)),
  fact("resource", "/reports/2026.pdf"),
  fact("operation", "read"),
];

function decide(token: Biscuit): void {
  if (!authorizer.authorize(token, { facts }).allowed) throw new Error("A good token was refused");
}

const threadUs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return user + system;
};

/** Time of the event loop for one hostile token, from its bytes to the verdict. */
async function detonate(
  code: string,
): Promise<{ readonly us: number; readonly fuel: number; readonly verdict: string }> {
  const bytes = Biscuit.builder().code(AUTHORITY).buildSync(root).attenuateSync(code).toBytes();
  const before = threadUs();
  let fuel = 0;
  let verdict = "allowed";
  try {
    const token = await Biscuit.parse(bytes).verify(root.publicKey);
    const decision = authorizer.authorize(token, { facts });
    fuel = decision.fuelUsed;
    verdict = decision.error?.code ?? (decision.allowed ? "allowed" : "denied");
  } catch (error) {
    verdict = error instanceof Error ? error.constructor.name : "error";
  }
  return { us: threadUs() - before, fuel, verdict };
}

async function runBomb(name: string): Promise<void> {
  const code = BOMBS[name] ?? "";
  const first = await detonate(code);
  const later = [];
  for (let i = 0; i < 11; i++) later.push((await detonate(code)).us);
  later.sort((a, b) => a - b);
  console.log(JSON.stringify({ ...first, laterUs: later[5] }));
}

/** The calls of a new process, one by one: what the first, the tenth and the thousandth take. */
function runFirst(): void {
  const tokens = distinctTokens(1, 1, root);
  const spans: number[] = [];
  for (let i = 0; i < 1000; i++) {
    const before = performance.now();
    decide(Biscuit.parse(tokens[0] ?? new Uint8Array()).verifySync(root.publicKey));
    spans.push(Math.round((performance.now() - before) * 1000));
  }
  console.log(JSON.stringify({ first: spans[0], second: spans[1], tenth: spans[9], thousandth: spans[999] }));
}

const child = (...args: string[]): string =>
  execFileSync(process.execPath, [...process.execArgv, import.meta.filename, ...args], { encoding: "utf8" });

interface Row {
  readonly case: string;
  readonly ours: number;
  readonly reference: number;
  readonly ratio: number;
  readonly floor?: number;
}

const rounded = (us: number): number => Math.round(us * 10) / 10;

async function row(name: string, ours: Subject["run"], reference: Subject["run"], floor?: Subject["run"], calls = 300) {
  const subjects = [
    { name: "ours", run: ours, calls },
    { name: "reference", run: reference, calls },
    ...(floor === undefined ? [] : [{ name: "floor", run: floor, calls }]),
  ];
  const [mine, theirs, least] = await measure(subjects, rounds);
  const result: Row = {
    case: name,
    ours: rounded(mine?.medianUs ?? Number.NaN),
    reference: rounded(theirs?.medianUs ?? Number.NaN),
    ratio: Math.round(((theirs?.medianUs ?? 0) / (mine?.medianUs ?? 1)) * 100) / 100,
    ...(least && { floor: rounded(least.medianUs) }),
  };
  console.error(JSON.stringify(result));
  return result;
}

const at = <Item>(items: readonly Item[], i: number): Item => {
  const item = items[i % items.length];
  if (item === undefined) throw new RangeError("Cannot choose from nothing");
  return item;
};

/** More tokens than keys are remembered, so that each is new. */
const POOL = 320;

async function comparison(): Promise<Row[]> {
  const reference = await openReference({
    ed25519: roots.ed25519.privateKey.revealText(),
    secp256r1: roots.secp256r1.privateKey.revealText(),
  });
  const rows: Row[] = [];
  const pools = new Map([1, 3, 6].map((blocks) => [blocks, distinctTokens(POOL, blocks, root)]));
  for (const [blocks, pool] of pools) {
    const signatures = pool.map((token) => bareSignatures(token, root));
    const theirs = (i: number): void => reference.decide(at(pool, i), "ed25519");
    rows.push(
      await row(
        `parse, verify, authorize: ${blocks} blocks, synchronous`,
        (i) => decide(Biscuit.parse(at(pool, i)).verifySync(root.publicKey)),
        theirs,
        (i) => floorSync(at(signatures, i)),
      ),
      await row(
        `parse, verify, authorize: ${blocks} blocks, asynchronous`,
        async (i) => decide(await Biscuit.parse(at(pool, i)).verify(root.publicKey)),
        async (i) => theirs(i),
        (i) => floorAsync(at(signatures, i)),
      ),
    );
  }
  const known = (pools.get(3) ?? []).slice(0, 20);
  const cache = new SignatureCache();
  rows.push(
    await row(
      "the same with a signature cache: 3 blocks, seen before",
      (i) => decide(Biscuit.parse(at(known, i)).verifySync(root.publicKey, { cache })),
      (i) => reference.decide(at(known, i), "ed25519"),
      undefined,
      6000,
    ),
  );
  const prefix = Biscuit.parse(at(known, 0));
  const fresh = Array.from({ length: 301 * (rounds + 3) }, () => prefix.attenuateSync(ATTENUATION).toBytes());
  rows.push(
    await row(
      "the same with a signature cache: 3 blocks seen before, one new",
      (i) => decide(Biscuit.parse(at(fresh, i)).verifySync(root.publicKey, { cache })),
      (i) => reference.decide(at(fresh, i), "ed25519"),
    ),
  );
  const kept = Biscuit.builder().code(AUTHORITY).buildSync(root);
  const curve = distinctTokens(POOL, 1, roots.secp256r1);
  rows.push(
    await row(
      "mint",
      () => Biscuit.builder().code(AUTHORITY).buildSync(root),
      () => reference.mint("ed25519"),
    ),
    await row(
      "attenuate",
      () => kept.attenuateSync(ATTENUATION),
      () => reference.attenuate(),
    ),
    await row(
      "mint, secp256r1",
      () => Biscuit.builder().code(AUTHORITY).buildSync(roots.secp256r1),
      () => reference.mint("secp256r1"),
    ),
    await row(
      "parse, verify: 1 block, secp256r1",
      (i) => Biscuit.parse(at(curve, i)).verifySync(roots.secp256r1.publicKey),
      (i) => reference.verify(at(curve, i), "secp256r1"),
    ),
    await row(
      "authorize: 1 block",
      () => decide(kept),
      () => reference.authorize(),
      undefined,
      6000,
    ),
  );
  return rows;
}

function heapGrowth(count: number): { readonly authorizations: number; readonly grownBytes: number } {
  const collected = (): number => {
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  };
  const token = Biscuit.builder().code(AUTHORITY).buildSync(root);
  for (let i = 0; i < 10_000; i++) decide(token);
  const before = collected();
  for (let i = 0; i < count; i++) decide(token);
  return { authorizations: count, grownBytes: collected() - before };
}

async function main(): Promise<void> {
  const bombs = Object.keys(BOMBS).map((name) => ({ name, ...JSON.parse(child("--bomb", name)) }));
  const start = JSON.parse(child("--first"));
  const rows = await comparison();
  const heap = heapGrowth(Number(values.authorizations));
  console.log(
    `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model}; microseconds, medians of ${rounds} rounds`,
  );
  console.table(rows);
  console.log("Hostile tokens: time of the event loop from bytes to verdict");
  console.table(bombs);
  console.log("A new process, call by call", start, "\nHeap", heap);
  const folder = new URL("../results/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    new URL("biscuit.json", folder),
    `${JSON.stringify({ node: process.version, rows, bombs, start, heap }, null, 2)}\n`,
  );
}

if (values.bomb !== undefined) await runBomb(values.bomb);
else if (values.first) runFirst();
else await main();

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
import { Authorizer, Biscuit, BiscuitError, fact, SignatureCache, verifyTokenSync } from "@countersign/biscuit";
import { warmUp } from "@countersign/biscuit/warm-up";
import { measure, median, type Subject, threadUs } from "./measure.ts";
import { openReference } from "./reference.ts";
import {
  ATTENUATION,
  AUTHORITY,
  bareToken,
  distinctTokens,
  floorAsync,
  floorSync,
  POLICY,
  rootOf,
  signingFloor,
} from "./tokens.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "15" },
    authorizations: { type: "string", default: "1000000" },
    bomb: { type: "string" },
    first: { type: "string" },
    warm: { type: "boolean", default: false },
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

/** Time of the event loop for one hostile token, from its bytes to the verdict. */
async function detonate(bytes: Uint8Array): Promise<{ readonly us: number; readonly fuel: number; verdict: string }> {
  const before = threadUs();
  try {
    const token = await Biscuit.parse(bytes).verify(root.publicKey);
    const { error, allowed, fuelUsed } = authorizer.authorize(token, { facts });
    return { us: threadUs() - before, fuel: fuelUsed, verdict: error?.code ?? (allowed ? "allowed" : "denied") };
  } catch (error) {
    if (!(error instanceof BiscuitError)) throw error;
    return { us: threadUs() - before, fuel: 0, verdict: error.code };
  }
}

async function runBomb(text: string): Promise<void> {
  const bytes = Buffer.from(text, "base64url");
  const first = await detonate(bytes);
  const later = [];
  for (let i = 0; i < 11; i++) later.push((await detonate(bytes)).us);
  console.log(JSON.stringify({ ...first, laterUs: median(later) }));
}

/** The calls of a process, one by one: what the first, the tenth and the thousandth take. */
function runFirst(text: string): void {
  const token = Buffer.from(text, "base64url");
  const spans: number[] = [];
  for (let i = 0; i < 1000; i++) {
    const before = performance.now();
    decide(Biscuit.parse(token).verifySync(root.publicKey));
    spans.push(Math.round((performance.now() - before) * 1000));
  }
  console.log(JSON.stringify({ first: spans[0], second: spans[1], tenth: spans[9], thousandth: spans[999] }));
}

const child = (...args: string[]): string =>
  execFileSync(process.execPath, [...process.execArgv, import.meta.filename, ...args], { encoding: "utf8" });

/** A hostile token before new processes: one as it comes, one that was warmed up. */
function bomb(name: string, code: string, blocksBefore = 0): object {
  let chain = Biscuit.builder().code(AUTHORITY).buildSync(root);
  for (let i = 0; i < blocksBefore; i++) chain = chain.attenuateSync("a(1);");
  const token = chain.attenuateSync(code).toBase64();
  const { us: coldUs } = JSON.parse(child("--bomb", token));
  return { name, coldUs, ...JSON.parse(child("--bomb", token, "--warm")) };
}

interface Row {
  readonly case: string;
  readonly ours: number;
  readonly reference: number;
  /** The reference's time over ours: the median of what the rounds gave. */
  readonly ratio: number;
  readonly floor?: number;
}

const rounded = (us: number): number => Math.round(us * 10) / 10;

interface RowOptions {
  /** What neither can leave out. */
  readonly floor?: Subject["run"];
  /** Calls in one round. */
  readonly calls?: number;
  /** Calls of the reference in one round, where it takes much longer. @default calls */
  readonly referenceCalls?: number;
}

async function row(
  name: string,
  ours: Subject["run"],
  reference: Subject["run"],
  { floor, calls = 600, referenceCalls = calls }: RowOptions = {},
) {
  const subjects = [
    { run: ours, calls },
    { run: reference, calls: referenceCalls },
    ...(floor === undefined ? [] : [{ run: floor, calls }]),
  ];
  const [mine = [], theirs = [], least] = await measure(subjects, rounds);
  const result: Row = {
    case: name,
    ours: rounded(median(mine)),
    reference: rounded(median(theirs)),
    ratio: Math.round(median(theirs.map((us, i) => us / (mine[i] ?? Number.NaN))) * 100) / 100,
    ...(least && { floor: rounded(median(least)) }),
  };
  console.error(JSON.stringify(result));
  return result;
}

const at = <Item>(items: readonly Item[], i: number): Item => {
  const item = items[i % items.length];
  if (item === undefined) throw new RangeError("Cannot choose from nothing");
  return item;
};

/** Tokens of one kind; without a cache nothing of a token is remembered. */
const POOL = 320;

async function comparison(): Promise<Row[]> {
  const reference = await openReference({
    ed25519: roots.ed25519.privateKey.revealText(),
    secp256r1: roots.secp256r1.privateKey.revealText(),
  });
  const rows: Row[] = [];
  const pools = new Map([1, 3, 6].map((blocks) => [blocks, distinctTokens(POOL, blocks, root)]));
  for (const [count, pool] of pools) {
    const blocks = count === 1 ? "1 block" : `${count} blocks`;
    const bare = pool.map((token) => bareToken(token, root));
    const theirs = (i: number): void => reference.decide(at(pool, i), "ed25519");
    rows.push(
      await row(
        `parse, verify, authorize: ${blocks}, synchronous`,
        (i) => decide(Biscuit.parse(at(pool, i)).verifySync(root.publicKey)),
        theirs,
        { floor: (i) => floorSync(at(bare, i)) },
      ),
      await row(
        `parse, verify, authorize: ${blocks}, asynchronous`,
        async (i) => decide(await Biscuit.parse(at(pool, i)).verify(root.publicKey)),
        async (i) => theirs(i),
        { floor: (i) => floorAsync(at(bare, i)) },
      ),
    );
  }
  const known = (pools.get(3) ?? []).slice(0, 20);
  const cache = new SignatureCache();
  rows.push(
    await row(
      "3 blocks seen before, with a signature cache",
      (i) => decide(verifyTokenSync(at(known, i), root.publicKey, { cache })),
      (i) => reference.decide(at(known, i), "ed25519"),
      { calls: 6000, referenceCalls: 600 },
    ),
  );
  const prefix = Biscuit.parse(at(known, 0));
  const fresh = Array.from({ length: 601 * (rounds + 3) }, () => prefix.attenuateSync(ATTENUATION).toBytes());
  const lastOnly = fresh.map((token) => {
    const { signatures, secret } = bareToken(token, root);
    return { signatures: signatures.slice(-1), secret };
  });
  const asyncCache = new SignatureCache();
  prefix.verifySync(root.publicKey, { cache: asyncCache });
  rows.push(
    await row(
      "3 blocks seen before and one new, with the cache, synchronous",
      (i) => decide(Biscuit.parse(at(fresh, i)).verifySync(root.publicKey, { cache })),
      (i) => reference.decide(at(fresh, i), "ed25519"),
      { floor: (i) => floorSync(at(lastOnly, i)) },
    ),
    await row(
      "3 blocks seen before and one new, with the cache, asynchronous",
      async (i) => decide(await Biscuit.parse(at(fresh, i)).verify(root.publicKey, { cache: asyncCache })),
      async (i) => reference.decide(at(fresh, i), "ed25519"),
      { floor: (i) => floorAsync(at(lastOnly, i)) },
    ),
  );
  const kept = Biscuit.builder().code(AUTHORITY).buildSync(root);
  const curve = distinctTokens(POOL, 1, roots.secp256r1);
  const floors = { ed25519: signingFloor("ed25519"), secp256r1: signingFloor("secp256r1") };
  rows.push(
    await row(
      "mint, synchronous",
      () => Biscuit.builder().code(AUTHORITY).buildSync(root),
      () => reference.mint("ed25519"),
      { floor: floors.ed25519, calls: 1500 },
    ),
    await row(
      "mint, asynchronous",
      () => Biscuit.builder().code(AUTHORITY).build(root),
      async () => reference.mint("ed25519"),
      { calls: 1500 },
    ),
    await row(
      "attenuate, synchronous",
      () => kept.attenuateSync(ATTENUATION),
      () => reference.attenuate(),
      { floor: floors.ed25519, calls: 1500 },
    ),
    await row(
      "attenuate, asynchronous",
      () => kept.attenuate(ATTENUATION),
      async () => reference.attenuate(),
      { calls: 1500 },
    ),
    await row(
      "mint, secp256r1, synchronous",
      () => Biscuit.builder().code(AUTHORITY).buildSync(roots.secp256r1),
      () => reference.mint("secp256r1"),
      { floor: floors.secp256r1, calls: 1500, referenceCalls: 300 },
    ),
    await row(
      "mint, secp256r1, asynchronous",
      () => Biscuit.builder().code(AUTHORITY).build(roots.secp256r1),
      async () => reference.mint("secp256r1"),
      { calls: 1500, referenceCalls: 300 },
    ),
    await row(
      "parse, verify: 1 block, secp256r1",
      (i) => Biscuit.parse(at(curve, i)).verifySync(roots.secp256r1.publicKey),
      (i) => reference.verify(at(curve, i), "secp256r1"),
      { calls: 1500, referenceCalls: 150 },
    ),
    await row(
      "authorize: 1 block",
      () => decide(kept),
      () => reference.authorize(),
      { calls: 6000, referenceCalls: 600 },
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
  const rows = await comparison();
  const heap = heapGrowth(Number(values.authorizations));
  // Not at the top: new processes that meet one bomb should not make them all first.
  const { BOMBS } = await import("./bombs.ts");
  const join = BOMBS["join of four in a check"] ?? "";
  const bombs = [
    ...Object.entries(BOMBS).map(([name, code]) => bomb(name, code)),
    bomb("join of four behind 62 blocks", join, 62),
    bomb("join of four behind 31 blocks", join, 31),
  ];
  const token = Biscuit.builder().code(AUTHORITY).buildSync(root).toBase64();
  const start = { cold: JSON.parse(child("--first", token)), warm: JSON.parse(child("--first", token, "--warm")) };
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

if (values.warm) await warmUp();
if (values.bomb !== undefined) await runBomb(values.bomb);
else if (values.first !== undefined) runFirst(values.first);
else await main();

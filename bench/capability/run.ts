/**
 * Capability tokens beside the bare cryptography of theirs, in one process, in turns:
 *
 *   node -C @countersign/source bench/capability/run.ts [--rounds 9] [--hessra-py]
 *
 * Prints microseconds of this thread; of what is asynchronous, those on the clock. With `--hessra-py` that is installed from PyPI
 * into a folder of its own, and measured with the same tokens.
 */
import { generateKeyPairSync, sign } from "node:crypto";
import { parseArgs } from "node:util";
import { type Biscuit, KeyPair, PrivateKey, SignatureCache } from "@countersign/biscuit";
import {
  attestService,
  authenticateIdentitySync,
  type Clock,
  delegateIdentity,
  delegateIdentitySync,
  mintAuthorization,
  mintIdentity,
  narrowToken,
  verifyAuthorizationSync,
} from "@countersign/protocol/capability";
import { measure, median, type Subject } from "../biscuit/measure.ts";
import { type Bare, bareOf, checkBare } from "./floor.ts";
import { measureHessraPy } from "./hessra-py.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "9" }, "hessra-py": { type: "boolean", default: false } },
});
const rounds = Number(values.rounds);

const instantAt = 1_800_000_000_000;
const clock: Clock = { now: () => instantAt, monotonic: () => 0, sleep: async () => {} };
const key = (seed: number): KeyPair => KeyPair.fromSync(PrivateKey.fromBytes("ed25519", new Uint8Array(32).fill(seed)));
const [root, gateway, orders] = [key(1), key(2), key(3)];
const options = { rootKey: root.publicKey, clock };
const cached = { ...options, cache: new SignatureCache() };

const subject = "urn:x:alice";
const right = { subject, resource: "invoices", operation: "read" };
const nodes = [
  { component: "gateway", publicKey: gateway.publicKey },
  { component: "orders", publicKey: orders.publicKey },
];
const laptop = { identity: `${subject}:laptop` };

const plain = (): Promise<Biscuit> => mintAuthorization(root, right, { clock });
const identity = (): Promise<Biscuit> => mintIdentity(root, { subject, delegatable: true }, { clock });

async function attested(): Promise<Biscuit> {
  const token = await mintAuthorization(root, { ...right, serviceChain: nodes }, { clock });
  const once = await attestService(token.toBytes(), { service: "invoices", key: gateway }, options);
  return attestService(once.toBytes(), { service: "invoices", key: orders }, options);
}

const delegated = async (): Promise<Biscuit> => delegateIdentity((await identity()).toBytes(), laptop, options);

async function several<Item>(count: number, make: () => Promise<Item>): Promise<Item[]> {
  return Promise.all(Array.from({ length: count }, make));
}

/** A subject that takes the items in turns, so that nothing is remembered from one call to the next. */
function over<Item>(items: readonly Item[], calls: number, run: (item: Item) => unknown): Subject {
  return {
    calls,
    run: (call) => {
      const item = items[call % items.length];
      return item === undefined ? undefined : run(item);
    },
  };
}

const bytesOf = (tokens: readonly Biscuit[]): Uint8Array[] => tokens.map((token) => token.toBytes());
const bareOfAll = (tokens: readonly Uint8Array[], from = 0): Bare[] =>
  tokens.map((token) => bareOf(token, root.publicKey, from));

async function print(name: string, floor: Subject, measured: Subject): Promise<void> {
  const [floors = [], times = []] = await measure([floor, measured], rounds, 12);
  const ratio = median(times.map((time, i) => time / (floors[i] ?? Number.NaN)));
  const us = median(times);
  const perSecond = Math.round(1_000_000 / us).toLocaleString("en");
  console.log(
    `${name.padEnd(58)} ${us.toFixed(1).padStart(8)} us  ${ratio.toFixed(2)}x of its cryptography  ${perSecond}/s`,
  );
}

const judge = (token: Uint8Array): unknown => verifyAuthorizationSync(token, right, options);
const judgeChain = (token: Uint8Array): unknown =>
  verifyAuthorizationSync(token, { ...right, serviceChain: { nodes } }, options);

async function verification(): Promise<void> {
  const [one, three, two] = [
    bytesOf(await several(50, plain)),
    bytesOf(await several(50, attested)),
    bytesOf(await several(50, delegated)),
  ];
  const bare = (tokens: readonly Uint8Array[]): Subject => over(bareOfAll(tokens), 100, checkBare);
  await print("authorization token, 1 signature", bare(one), over(one, 200, judge));
  await print("authorization token, 2 attestations, 5 signatures", bare(three), over(three, 60, judgeChain));
  const authenticate = (token: Uint8Array): unknown => authenticateIdentitySync(token, {}, options);
  await print("delegated identity token, 3 signatures", bare(two), over(two, 60, authenticate));
}

async function knownTokens(): Promise<void> {
  const known = bytesOf([await plain()]);
  const none: Bare = { signatures: [], secret: new Uint8Array(32).fill(9) };
  const nothing = over([none], 2000, checkBare);
  const again = (token: Uint8Array): unknown => verifyAuthorizationSync(token, right, cached);
  await print("authorization token that is known (floor: one key)", nothing, over(known, 2000, again));
  const chains = bytesOf([await attested()]);
  const chainAgain = (token: Uint8Array): unknown =>
    verifyAuthorizationSync(token, { ...right, serviceChain: { nodes } }, cached);
  await print("the same with 2 attestations, known", nothing, over(chains, 2000, chainAgain));
  const base = (await delegated()).toBytes();
  const fresh = bytesOf(await several(1500, () => narrowToken(base, { ...options, lifetimeMs: 60_000 })));
  const authenticate = (token: Uint8Array): unknown => authenticateIdentitySync(token, {}, cached);
  const beginning = over(bareOfAll(fresh, 2), 60, checkBare);
  await print("identity token, known but for a fresh block", beginning, over(fresh, 120, authenticate));
}

const JWK = { publicKeyEncoding: { format: "jwk" }, privateKeyEncoding: { format: "jwk" } } as const;

async function delegation(): Promise<void> {
  const parent = (await identity()).toBytes();
  const { privateKey } = generateKeyPairSync("ed25519");
  const message = new Uint8Array(400);
  const signing: Subject = { calls: 400, run: () => sign(null, message, privateKey) };
  const pair: Subject = { calls: 400, run: () => generateKeyPairSync("ed25519", JWK) };
  const delegate: Subject = { calls: 200, run: () => delegateIdentitySync(parent, laptop, cached) };
  const [signatures = [], pairs = [], delegations = []] = await measure([signing, pair, delegate], rounds);
  const [s, p, d] = [median(signatures), median(pairs), median(delegations)];
  console.log(`one signature ${s.toFixed(1)} us, one key pair ${p.toFixed(1)} us`);
  console.log(
    `delegation of a known token ${d.toFixed(1)} us: ${(d / s).toFixed(1)} signatures, ${(d / (s + p)).toFixed(1)} signatures with a key each`,
  );
}

/** The Rust crates behind Python, with tokens of the same content. */
async function others(): Promise<void> {
  const text = (tokens: readonly Biscuit[]): string[] => tokens.map((token) => token.toBase64());
  await measureHessraPy({
    publicKeyPem: root.publicKey.toPem(),
    plain: text(await several(50, plain)),
    attested: text(await several(50, attested)),
    delegated: text(await several(50, delegated)),
    identity: (await identity()).toBase64(),
    right,
    laptop: laptop.identity,
    chain: JSON.stringify(nodes.map(({ component, publicKey }) => ({ component, public_key: publicKey.toString() }))),
  });
}

await verification();
await knownTokens();
await delegation();
if (values["hessra-py"]) await others();

import {
  Authorizer,
  Biscuit,
  BiscuitError,
  BlockBuilder,
  type KeyAlgorithm,
  KeyPair,
  LimitError,
  PrivateKey,
  ThirdPartyRequest,
} from "@countersign/biscuit";
import { readContainer } from "../../src/format/wrapper.ts";
import { forgeToken, rootKey } from "../forge.ts";
import { RandomProgram } from "./random-program.ts";
import type { Answer, ReferenceHost, ReferenceKey, ReferenceModule } from "./reference-module.ts";

/** A case on which the two implementations differ. */
export interface Divergence {
  readonly kind: string;
  readonly seed: number;
  readonly input: unknown;
  readonly ours: unknown;
  readonly reference: unknown;
}

/**
 * What became of a case: `skipped` when one side could not answer within its limits, `stricter` when ours alone refuses
 * bytes that no implementation writes, `laxer` when ours alone reads a form of text that is listed below,
 * `reject` when ours alone fails a `reject if` of several queries of which some match, `order` when an error was met before or after what settles the matter: the reference goes through facts in the order of
 * a hash table, and through sets in the order of its symbols.
 */
export type Outcome = "agreed" | "skipped" | "refused" | "stricter" | "laxer" | "reject" | "order" | Divergence;

interface Signer {
  readonly pair: KeyPair;
  readonly algorithm: KeyAlgorithm;
}

const signer = (algorithm: KeyAlgorithm, byte: string): Signer => ({
  algorithm,
  pair: KeyPair.fromSync(PrivateKey.parse(`${algorithm}-private/${byte.repeat(32)}`)),
});

const ROOTS = [signer("ed25519", "2a"), signer("ed25519", "2a"), signer("secp256r1", "2a")] as const;
const THIRD_PARTIES = [signer("ed25519", "3c"), signer("secp256r1", "3c")] as const;
/** The keys that random texts trust. */
export const TRUSTED = THIRD_PARTIES.map(({ pair }) => pair.publicKey.toString());

/** Our answer in the same form; what is thrown beside our errors is a defect and goes up. */
function answerOf<Value>(question: () => Value): Answer<Value> {
  try {
    return { kind: "value", value: question() };
  } catch (error) {
    if (error instanceof LimitError) return { kind: "none" };
    if (error instanceof BiscuitError) return { kind: "error", error: error.toRustJson() };
    throw error;
  }
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const secret = (reference: ReferenceModule, { pair }: Signer): ReferenceKey =>
  reference.PrivateKey.fromString(pair.privateKey.revealText());

const publicKey = (reference: ReferenceModule, { pair, algorithm }: Signer): ReferenceKey =>
  reference.PublicKey.fromString(hexOf(pair.publicKey.toBytes()), algorithm === "ed25519" ? 0 : 1);

/** One step in the life of a token, which either side can take. */
interface Side {
  mint(source: string, root: Signer): Uint8Array;
  append(token: Uint8Array, source: string, root: Signer): Uint8Array;
  appendThirdParty(token: Uint8Array, source: string, root: Signer, party: Signer): Uint8Array;
  seal(token: Uint8Array, root: Signer): Uint8Array;
}

const ours: Side = {
  mint: (source, root) => Biscuit.builder().code(source).buildSync(root.pair).toBytes(),
  append: (token, source, root) => Biscuit.parse(token).verifySync(root.pair.publicKey).attenuateSync(source).toBytes(),
  appendThirdParty(token, source, root, party) {
    const verified = Biscuit.parse(token).verifySync(root.pair.publicKey);
    const request = ThirdPartyRequest.parse(verified.thirdPartyRequest().toBytes());
    const block = request.createBlockSync(party.pair, source).toBytes();
    return verified.appendThirdPartySync(party.pair.publicKey, block).toBytes();
  },
  seal: (token, root) => Biscuit.parse(token).verifySync(root.pair.publicKey).sealSync().toBytes(),
};

function sideOf(reference: ReferenceModule): Side {
  const read = (token: Uint8Array, root: Signer) => reference.Biscuit.fromBytes(token, publicKey(reference, root));
  const block = (source: string) => {
    const builder = new reference.BlockBuilder();
    builder.addCode(source);
    return builder;
  };
  return {
    mint(source, root) {
      const builder = reference.Biscuit.builder();
      builder.addCode(source);
      return builder.build(secret(reference, root)).toBytes();
    },
    append: (token, source, root) => read(token, root).appendBlock(block(source)).toBytes(),
    appendThirdParty(token, source, root, party) {
      const verified = read(token, root);
      const request = reference.ThirdPartyRequest.fromBytes(verified.getThirdPartyRequest().toBytes());
      const signed = request.createBlock(secret(reference, party), block(source));
      return verified.appendThirdPartyBlock(publicKey(reference, party), signed).toBytes();
    },
    seal: (token, root) => read(token, root).sealToken().toBytes(),
  };
}

/** A third party of one side, a holder of the other: our request, their block, which we append. */
function appendTheirBlock(reference: ReferenceModule, token: Uint8Array, source: string, root: Signer, party: Signer) {
  const verified = Biscuit.parse(token).verifySync(root.pair.publicKey);
  const request = reference.ThirdPartyRequest.fromBytes(verified.thirdPartyRequest().toBytes());
  const builder = new reference.BlockBuilder();
  builder.addCode(source);
  const signed = request.createBlock(secret(reference, party), builder).toBytes();
  return verified.appendThirdPartySync(party.pair.publicKey, signed).toBytes();
}

interface Block {
  readonly source: string;
  readonly party: Signer | undefined;
  readonly by: "ours" | "reference" | "both";
}

interface TokenPlan {
  readonly root: Signer;
  readonly blocks: readonly [Block, ...Block[]];
  readonly sealedBy: "ours" | "reference" | undefined;
  readonly authorizer: string;
}

function planToken(random: RandomProgram): TokenPlan {
  const block = (first: boolean): Block => ({
    source: random.block(),
    party: !first && random.below(3) === 0 ? random.of(THIRD_PARTIES) : undefined,
    by: random.of(["ours", "reference", "both"]),
  });
  return {
    root: random.of(ROOTS),
    blocks: [block(true), ...Array.from({ length: random.below(3) }, () => block(false))],
    sealedBy: random.below(5) < 3 ? undefined : random.of(["ours", "reference"]),
    authorizer: random.authorizer(),
  };
}

function buildToken(plan: TokenPlan, reference: ReferenceModule): Uint8Array {
  const theirs = sideOf(reference);
  const { root, sealedBy } = plan;
  let token: Uint8Array | undefined;
  for (const { source, party, by } of plan.blocks) {
    const side = by === "reference" ? theirs : ours;
    if (token === undefined) token = side.mint(source, root);
    else if (party === undefined) token = side.append(token, source, root);
    else if (by === "both") token = appendTheirBlock(reference, token, source, root, party);
    else token = side.appendThirdParty(token, source, root, party);
  }
  if (token === undefined) throw new TypeError("A token has at least one block");
  return sealedBy === undefined ? token : (sealedBy === "ours" ? ours : theirs).seal(token, root);
}

interface Reading {
  readonly revocationIds: readonly string[];
  readonly sources: readonly string[];
  readonly verdict: unknown;
}

function ourReading(token: Uint8Array, plan: TokenPlan): Reading {
  const verified = Biscuit.parse(token).verifySync(plan.root.pair.publicKey);
  const decision = new Authorizer(plan.authorizer).authorize(verified);
  if (decision.error instanceof LimitError) throw decision.error;
  return {
    revocationIds: verified.revocationIds,
    sources: verified.blocks.map(({ source }) => source),
    verdict: decision.toRustJson(),
  };
}

function verdictOf(authorize: () => number): unknown {
  try {
    return { Ok: authorize() };
  } catch (error) {
    if (error instanceof Error || JSON.stringify(error).includes("Timeout")) throw error;
    return { Err: error };
  }
}

function theirReading(reference: ReferenceModule, token: Uint8Array, plan: TokenPlan): Reading {
  const verified = reference.Biscuit.fromBytes(token, publicKey(reference, plan.root));
  const builder = new reference.AuthorizerBuilder();
  builder.addCode(plan.authorizer);
  const reading = {
    revocationIds: verified.getRevocationIdentifiers(),
    sources: Array.from({ length: verified.countBlocks() }, (_, i) => withoutOps(verified.getBlockSource(i))),
    verdict: verdictOf(() => {
      const authorizer = builder.buildAuthenticated(verified);
      try {
        return authorizer.authorize();
      } finally {
        authorizer.free();
      }
    }),
  };
  verified.free();
  return reading;
}

const describePlan = ({ root, blocks, sealedBy, authorizer }: TokenPlan): object => ({
  root: root.algorithm,
  blocks: blocks.map(({ source, party, by }) => ({ source, by, party: party?.algorithm })),
  sealedBy,
  authorizer,
});

const sourceOf = ({ blocks, authorizer }: TokenPlan): string =>
  blocks.map(({ source }) => source).join("") + authorizer;

/** An expression that is none is printed by both, by the reference with its operations. */
const withoutOps = (source: string): string =>
  source.replace(/<invalid expression: \[.*?\]>(?=[;,]|$| (?:trusting|or) )/g, "<invalid expression>");

const sortedUnits = (text: string): string => [...text].sort().join("");

/** Printed checks of the authorizer show sets and maps in an order that depends on a table which is not kept here. */
function unordered(key: string, value: unknown): unknown {
  if (key === "rule" && typeof value === "string") return sortedUnits(withoutOps(value));
  // The reference names the variable by a number of the same table.
  return key === "UnknownVariable" ? "" : value;
}

const same = (left: unknown, right: unknown): boolean =>
  (typeof left === "string" && typeof right === "string" && sortedUnits(left) === sortedUnits(right)) ||
  JSON.stringify(left, unordered) === JSON.stringify(right, unordered);

/** A refusal after all signatures and blocks were read: what is no use to either is refused by one earlier, by one later. */
const isFormatVerdict = (answer: Answer<unknown>): boolean =>
  answer.kind === "value" && /"verdict":\{"Err":\{"Format"/.test(JSON.stringify(answer.value));

const isRefused = (answer: Answer<unknown>): boolean => answer.kind === "error" || isFormatVerdict(answer);

/** Whether both say yes, or both say no: the messages of parsers and decoders differ. */
function compareAnswers(left: Answer<unknown>, right: Answer<unknown>): "agreed" | "refused" | "skipped" | "different" {
  if (left.kind === "none" || right.kind === "none") return "skipped";
  if (isRefused(left) || isRefused(right)) return isRefused(left) && isRefused(right) ? "refused" : "different";
  if (left.kind !== "value" || right.kind !== "value") return "different";
  return same(left.value, right.value) ? "agreed" : "different";
}

const isExecutionError = (answer: Answer<unknown>): boolean =>
  answer.kind === "value" && /"verdict":\{"Err":\{"Execution"/.test(JSON.stringify(answer.value));

const dependsOnOrder = (left: Answer<unknown>, right: Answer<unknown>): boolean =>
  isExecutionError(left) || isExecutionError(right);

interface Refusal {
  readonly Err: { readonly FailedLogic: { readonly Unauthorized?: Unauthorized; readonly NoMatchingPolicy?: Failed } };
}
interface Failed {
  readonly checks: readonly Readonly<Record<string, { readonly rule: string }>>[];
}
interface Unauthorized extends Failed {
  readonly policy: { readonly Allow?: number; readonly Deny?: number };
}

const isRefusal = (verdict: unknown): verdict is Refusal =>
  JSON.stringify(verdict).startsWith('{"Err":{"FailedLogic":{');

/** The verdict without the failed checks `reject if … or …`, which the reference takes to hold unless all queries match. */
function withoutRejects(verdict: unknown): unknown {
  if (!isRefusal(verdict)) return verdict;
  const { Unauthorized, NoMatchingPolicy } = verdict.Err.FailedLogic;
  const others = ({ checks }: Failed) =>
    checks.filter((check) => !Object.values(check).some(({ rule }) => /^reject if .* or /s.test(rule)));
  if (NoMatchingPolicy !== undefined)
    return { Err: { FailedLogic: { NoMatchingPolicy: { checks: others(NoMatchingPolicy) } } } };
  if (Unauthorized === undefined) return verdict;
  const { policy } = Unauthorized;
  const checks = others(Unauthorized);
  if (checks.length === 0 && policy.Allow !== undefined) return { Ok: policy.Allow };
  return { Err: { FailedLogic: { Unauthorized: { policy, checks } } } };
}

/** Whether only `reject if … or …` tells the answers apart: ours goes on to queries that the reference does not look at. */
function differsInRejects(mine: Answer<Reading>, theirs: Answer<Reading>, source: string): boolean {
  if (!/\breject if [^;]* or /.test(source)) return false;
  if (isExecutionError(mine) && !isExecutionError(theirs)) return true;
  if (mine.kind !== "value" || theirs.kind !== "value") return false;
  const [left, right] = [mine.value, theirs.value].map(({ verdict, ...rest }) => ({
    ...rest,
    verdict: withoutRejects(verdict),
  }));
  return same(left, right);
}

/** A token made by both sides in turns, then read and judged by each. */
async function tokenCase(seed: number, host: ReferenceHost): Promise<Outcome> {
  const random = new RandomProgram(seed, TRUSTED);
  const plan = planToken(random);
  const token = await host.ask((reference) => buildToken(plan, reference));
  if (token.kind === "none") return "skipped";
  if (token.kind === "error") {
    const parsed = plan.blocks.map(({ source }) => answerOf(() => new BlockBuilder(source)));
    if (parsed.some(({ kind }) => kind === "error")) return "refused";
    return { kind: "token is not made", seed, input: describePlan(plan), ours: undefined, reference: token.error };
  }
  const theirs = await host.ask((reference) => theirReading(reference, token.value, plan));
  const mine = answerOf(() => ourReading(token.value, plan));
  const outcome = compareAnswers(mine, theirs);
  if (outcome !== "different") return outcome;
  if (differsInRejects(mine, theirs, sourceOf(plan))) return "reject";
  if (dependsOnOrder(mine, theirs)) return "order";
  return { kind: "token", seed, input: describePlan(plan), ours: mine, reference: theirs };
}

/** The bytes of a block that both sides make of one text. */
async function encodingCase(seed: number, host: ReferenceHost): Promise<Outcome> {
  const random = new RandomProgram(seed, TRUSTED);
  const source = random.block();
  const [root] = ROOTS;
  const data = (token: Uint8Array): string => hexOf(readContainer(token).blocks[0].data);
  const mine = answerOf(() => data(ours.mint(source, root)));
  const theirs = await host.ask((reference) => data(sideOf(reference).mint(source, root)));
  const outcome = compareAnswers(mine, theirs);
  if (outcome !== "different") return outcome;
  return { kind: "encoding", seed, input: source, ours: mine, reference: theirs };
}

/** Forms of text that the reference refuses, or takes for something else, and what they mean here. */
const LAXER: readonly { readonly form: RegExp; readonly meaning: string }[] = [
  { form: /\{\s*\}/, meaning: "the empty map" },
  { form: /\{\s*(?:true|false|null|hex:\w*)\s*\}/, meaning: "a set of one, not a parameter" },
  { form: /\{[^"]*\[/, meaning: "an array in a set" },
  { form: /\/\/|\/\*/, meaning: "a comment between any two words, not between statements alone" },
  { form: /\d(?:Z|:\d\d)[^\s,)\]};]/, meaning: "a date that ends where its form does, not at the next space" },
  { form: /(?:check|reject|allow|deny)\s\s+(?:if|all)|(?:check|reject|allow|deny)\n/i, meaning: "any white space" },
  { form: /\.[\w:]+\s+\(/, meaning: "white space between a method and its argument" },
  { form: /^\s*trusting/, meaning: "the scopes of a block, not forgotten" },
];

/** Text with mistakes in it: both parse it to the same statements, or neither does. */
async function textCase(seed: number, host: ReferenceHost): Promise<Outcome> {
  const random = new RandomProgram(seed, TRUSTED);
  const source = random.damaged(random.block());
  const mine = answerOf(() => new BlockBuilder(source).toString());
  const theirs = await host.ask((reference) => {
    const builder = new reference.BlockBuilder();
    builder.addCode(source);
    const text = builder.toString();
    builder.free();
    return text;
  });
  const outcome = compareAnswers(mine, theirs);
  if (outcome !== "different") return outcome;
  if (isRefused(theirs) && LAXER.some(({ form }) => form.test(source))) return "laxer";
  // The reference reads one semicolon at the beginning, words that nothing parts (`check iftrue`, `ortrue`), and dates
  // with any sign where RFC 3339 has a T.
  if (
    isRefused(mine) &&
    /^\s*;|\d{4}-\d\d-\d\d[^Tt]|(?:if|all|or|trusting)[\w:]|(?:true|previous|authority|false|null)(?:or|trusting)/i.test(
      source,
    )
  )
    return "stricter";
  return { kind: "text", seed, input: source, ours: mine, reference: theirs };
}

/** Changes a few bytes: flips, cuts, doubles, and small numbers where lengths and tags stand. */
export function mutate(bytes: Uint8Array, random: RandomProgram): Uint8Array {
  const mutated = [...bytes];
  for (let i = 0; i <= random.below(2); i++) {
    const at = random.below(mutated.length);
    const change = random.below(6);
    if (change === 0) mutated[at] = (mutated[at] ?? 0) ^ (1 << random.below(8));
    else if (change === 1) mutated[at] = random.below(256);
    else if (change === 2) mutated[at] = (mutated[at] ?? 0) + random.of([1, 8, 255, 248]);
    else if (change === 3) mutated.splice(at, 1 + random.below(3));
    else if (change === 4) mutated.splice(at, 0, random.below(64));
    else mutated.splice(at, 0, ...mutated.slice(at, at + random.below(12)));
  }
  return Uint8Array.from(mutated);
}

const ANYTHING: TokenPlan = {
  root: { pair: rootKey, algorithm: "ed25519" },
  blocks: [{ source: "", party: undefined, by: "ours" }],
  sealedBy: undefined,
  authorizer: "allow if true;",
};

/** A token of two blocks, unless their text is of the odd kind that does not parse. */
export function twoBlocks(random: RandomProgram): Uint8Array | undefined {
  const { root } = ANYTHING;
  const token = answerOf(() => ours.append(ours.mint(random.block(), root), random.block(), root));
  return token.kind === "value" ? token.value : undefined;
}

/** Blocks with changed bytes under good signatures: what decoding accepts is the same. */
async function decodingCase(seed: number, host: ReferenceHost): Promise<Outcome> {
  const random = new RandomProgram(seed, TRUSTED);
  const token = twoBlocks(random);
  if (token === undefined) return "refused";
  const mutated = random.below(2);
  const blocks = readContainer(token).blocks.map(({ data }, i) => ({
    data: i === mutated ? mutate(data, random) : data,
  }));
  const forged = forgeToken(blocks);
  const theirs = await host.ask((reference) => theirReading(reference, forged, ANYTHING));
  const mine = answerOf(() => ourReading(forged, ANYTHING));
  const outcome = compareAnswers(mine, theirs);
  if (outcome !== "different") return outcome;
  if (isRefused(mine)) return "stricter";
  if (mine.kind === "value" && differsInRejects(mine, theirs, mine.value.sources.join(""))) return "reject";
  if (dependsOnOrder(mine, theirs)) return "order";
  // A key off the curve, which can never have signed anything.
  if (/Cannot decompress Edwards point|"InvalidKey":"signature error"/.test(JSON.stringify(theirs))) return "laxer";
  return { kind: "decoding", seed, input: hexOf(forged), ours: mine, reference: theirs };
}

/** A token with changed bytes anywhere. */
async function bytesCase(seed: number, host: ReferenceHost): Promise<Outcome> {
  const random = new RandomProgram(seed, TRUSTED);
  const good = twoBlocks(random);
  if (good === undefined) return "refused";
  const token = mutate(good, random);
  const theirs = await host.ask((reference) => theirReading(reference, token, ANYTHING));
  const mine = answerOf(() => ourReading(token, ANYTHING));
  const outcome = compareAnswers(mine, theirs);
  if (outcome !== "different") return outcome;
  // The reference takes Ed25519 where the number of a field was changed and no algorithm is stated.
  if (isRefused(mine) && /missing field/.test(JSON.stringify(mine))) return "stricter";
  return { kind: "bytes", seed, input: hexOf(token), ours: mine, reference: theirs };
}

/** The kinds of cases, each with its share of a run. */
export const CASES = [
  { name: "token", share: 4, run: tokenCase },
  { name: "encoding", share: 1, run: encodingCase },
  { name: "text", share: 2, run: textCase },
  { name: "decoding", share: 2, run: decodingCase },
  { name: "bytes", share: 1, run: bytesCase },
] as const;

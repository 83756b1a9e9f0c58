import { wrongArgument } from "./arguments.ts";
import { concatBytes } from "./crypto/bytes.ts";
import { compileFact } from "./datalog/compile.ts";
import type { Fact, Policy } from "./datalog/model.ts";
import type { ExternFunction } from "./datalog/operations.ts";
import { AUTHORIZER, blockOrigin, type Origin, originBlocks, unite } from "./datalog/origin.ts";
import { SymbolTable, TextAllowance } from "./datalog/symbols.ts";
import { VERSION_3_3 } from "./datalog/version.ts";
import { FormatError } from "./errors.ts";
import { Evaluation, type TokenBlock } from "./evaluation.ts";
import { checkContent, checkVersion, FACT, KEY_TEXT, RULE, statedVersion, statements } from "./format/block-codec.ts";
import {
  BYTES,
  type Context,
  defaulted,
  enumeration,
  mapped,
  message,
  oneOf,
  optional,
  repeated,
  required,
  STRING,
  UINT32,
  UINT64,
  wireContext,
} from "./format/schema.ts";
import { CONTEXT } from "./format/wrapper.ts";
import { type Limits, resolveLimits } from "./limits.ts";
import { type CompiledBlock, compileBlock, compilePolicy, contentOf } from "./loaded-block.ts";
import { messageBytes } from "./token-bytes.ts";

/** The reference's default, 1 ms: it measures time, which this package does not, and wants a figure in the message. */
const MAX_TIME_NS = 1_000_000;

/** What a snapshot does not hold. */
export interface RestoreOptions {
  /** Limits beside the facts and rounds that the snapshot states; see {@link Limits}. Its own length has none. */
  readonly limits?: Partial<Omit<Limits, "maxTokenBytes">>;
  /** Functions that expressions may call. @default none */
  readonly externs?: Readonly<Record<string, ExternFunction>>;
}

interface BlockHeader {
  readonly context: string | undefined;
  readonly version: number;
  readonly externalKey: string | undefined;
}

const BLOCK_HEADER = message<BlockHeader>({
  context: optional(1, STRING),
  version: defaulted(2, UINT32, 0),
  externalKey: optional(7, KEY_TEXT),
});
const BLOCK_STATEMENTS = statements(3);
const NO_HEADER: BlockHeader = { context: undefined, version: 0, externalKey: undefined };

const POLICY = message<Policy>({
  queries: repeated(1, RULE),
  kind: required(2, enumeration("a policy", ["allow", "deny"])),
});

/** The number of a block; the authorizer has none. */
type Place = number | undefined;

const PLACE = oneOf<{ readonly block: Place }>("an origin", ({ block }) => (block === undefined ? 1 : 2), {
  1: mapped(
    message<object>({}),
    () => ({ block: undefined }),
    () => ({}),
  ),
  2: mapped(
    UINT32,
    (block) => ({ block }),
    ({ block }) => block,
  ),
});

interface Generated {
  readonly origin: readonly { readonly block: Place }[];
  readonly facts: readonly Fact[];
}

const GENERATED = message<Generated>({ origin: repeated(1, PLACE), facts: repeated(2, FACT) });

/** The parts that refer to the tables stay encoded, as they can only be read with them and written before them. */
interface World {
  readonly version: number;
  readonly symbols: readonly string[];
  readonly publicKeys: readonly string[];
  readonly blocks: readonly Uint8Array[];
  readonly authorizer: Uint8Array;
  readonly policies: readonly Uint8Array[];
  readonly generated: readonly Uint8Array[];
  readonly iterations: number;
}

const WORLD = message<World>({
  version: defaulted(1, UINT32, 0),
  symbols: repeated(2, STRING),
  publicKeys: repeated(3, KEY_TEXT),
  blocks: repeated(4, BYTES),
  authorizer: required(5, BYTES),
  policies: repeated(6, BYTES),
  generated: repeated(7, BYTES),
  iterations: required(8, UINT32),
});

const COUNT = mapped(UINT64, Number, (count: number) => count);

interface RunLimits {
  readonly maxFacts: number;
  readonly maxIterations: number;
  readonly maxTimeNs: number | undefined;
}

const RUN_LIMITS = message<RunLimits>({
  maxFacts: required(1, COUNT),
  maxIterations: required(2, COUNT),
  maxTimeNs: optional(3, COUNT),
});

const SNAPSHOT = message<{ readonly limits: RunLimits; readonly executionTime: number; readonly world: Uint8Array }>({
  limits: required(1, RUN_LIMITS),
  executionTime: required(2, COUNT),
  world: required(3, BYTES),
});

function encodeSnapshotBlock(block: CompiledBlock, externalKey: string | undefined, context: Context): Uint8Array {
  const content = contentOf(block);
  const version = statedVersion(content, externalKey);
  const head = BLOCK_HEADER.encode({ context: content.context, version, externalKey: undefined }, context);
  const tail = BLOCK_HEADER.encode({ ...NO_HEADER, externalKey }, context);
  return concatBytes(head, BLOCK_STATEMENTS.encode(content, context), tail);
}

function encodeWorld(evaluation: Evaluation): Uint8Array {
  const { authorizer, blocks, policies } = evaluation.input;
  const table = new SymbolTable();
  const context = wireContext(table);
  // The order of the reference, in which symbols are numbered.
  const parts = {
    policies: policies.map(({ source }) => POLICY.encode(source, context)),
    authorizer: encodeSnapshotBlock(authorizer, undefined, context),
    blocks: blocks.map(({ compiled, externalKey }) => encodeSnapshotBlock(compiled, externalKey, context)),
    generated: [...evaluation.facts].map(([origin, facts]) =>
      GENERATED.encode({ origin: originBlocks(origin).map((block) => ({ block })), facts }, context),
    ),
  };
  const { symbols, keys: publicKeys } = table;
  const { iterations } = evaluation;
  return WORLD.encode({ version: VERSION_3_3, symbols, publicKeys, ...parts, iterations }, context);
}

/**
 * Saves an evaluation, token and authorizer together, in the form that all implementations of snapshots share: to look
 * into a decision later, or elsewhere. It holds no signature and proves nothing.
 *
 * @example
 * const bytes = takeSnapshot(authorizer.evaluate(token));
 * restoreSnapshot(bytes).decide().allowed;
 */
export function takeSnapshot(evaluation: Evaluation): Uint8Array {
  if (!(evaluation instanceof Evaluation)) {
    throw wrongArgument("takeSnapshot", "an Evaluation: authorizer.evaluate(token)", evaluation);
  }
  const { maxFacts, maxIterations } = evaluation.input.limits;
  const snapshot = {
    limits: { maxFacts, maxIterations, maxTimeNs: MAX_TIME_NS },
    // Readers take any time but 0 to say that the rules have been run.
    executionTime: evaluation.error === undefined ? 1 : 0,
    world: encodeWorld(evaluation),
  };
  return SNAPSHOT.encode(snapshot, CONTEXT);
}

function readSnapshotBlock(bytes: Uint8Array, table: SymbolTable): TokenBlock {
  const { context, version, externalKey } = BLOCK_HEADER.decode(bytes, wireContext(table));
  checkVersion(version);
  const content = { ...BLOCK_STATEMENTS.decode(bytes, wireContext(table, version)), context };
  checkContent(version, content);
  return { compiled: compileBlock(content), externalKey };
}

function readOrigin({ origin }: Generated, blockCount: number): Origin {
  let found: Origin = 0;
  for (const { block } of origin) {
    if (block !== undefined && block >= blockCount) {
      throw new FormatError("bytes", `Cannot read a fact of a block that is not there: ${block}`);
    }
    found = unite(found, block === undefined ? AUTHORIZER : blockOrigin(block));
  }
  return found;
}

/**
 * Brings back an evaluation from bytes or base64.
 *
 * @throws {FormatError} or {@link KeyError} for what is no snapshot; {@link LimitError} `text`; {@link RangeError} for
 * limits in it that are no positive integers.
 */
export function restoreSnapshot(message: Uint8Array | string, options: RestoreOptions = {}): Evaluation {
  const snapshot = SNAPSHOT.decode(messageBytes(message), CONTEXT);
  const { maxFacts, maxIterations } = snapshot.limits;
  const limits = resolveLimits({ maxFacts, maxIterations, ...options.limits });
  const world = WORLD.decode(snapshot.world, CONTEXT);
  checkVersion(world.version);
  const table = new SymbolTable(world.symbols, world.publicKeys, new TextAllowance(limits.maxText));
  const context = wireContext(table, world.version);
  if (world.blocks.length > limits.maxBlocks) {
    throw new FormatError(
      "bytes",
      `Cannot read a snapshot of more than ${limits.maxBlocks} blocks: ${world.blocks.length}`,
    );
  }
  const input = {
    blocks: world.blocks.map((bytes) => readSnapshotBlock(bytes, table)),
    authorizer: readSnapshotBlock(world.authorizer, table).compiled,
    policies: world.policies.map((bytes) => compilePolicy(POLICY.decode(bytes, context))),
    limits,
    externs: new Map(Object.entries(options.externs ?? {})),
  };
  const generated = world.generated.map((bytes) => {
    const group = GENERATED.decode(bytes, context);
    return { facts: group.facts, origin: readOrigin(group, input.blocks.length) };
  });
  return new Evaluation(input, (restored) => {
    for (const { facts, origin } of generated) for (const fact of facts) restored.addFact(compileFact(fact), origin);
    if (snapshot.executionTime > 0) restored.iterations = world.iterations;
    else restored.run();
  });
}

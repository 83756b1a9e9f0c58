import { PublicKey } from "./crypto/keys.ts";
import { compileFact } from "./datalog/compile.ts";
import type { BlockContent, Fact, Policy, Rule } from "./datalog/model.ts";
import type { ExternFunction } from "./datalog/operations.ts";
import { AUTHORIZER, blockOrigin, type Origin, originBlocks, unite } from "./datalog/origin.ts";
import { SymbolTable } from "./datalog/symbols.ts";
import { requiredVersion, VERSION_3_2, VERSION_3_3 } from "./datalog/version.ts";
import { FormatError } from "./errors.ts";
import { Evaluation, type TokenBlock } from "./evaluation.ts";
import {
  checkVersion,
  internBlock,
  internFact,
  internRule,
  readContent,
  readFact,
  readRule,
  writeBlockContent,
  writeFact,
  writeRule,
} from "./format/block-codec.ts";
import { ProtobufReader, ProtobufWriter } from "./format/protobuf.ts";
import { once, readPublicKey, required, writePublicKey } from "./format/wrapper.ts";
import { type Limits, resolveLimits } from "./limits.ts";
import { compileBlock, compilePolicy } from "./loaded-block.ts";
import { messageBytes } from "./third-party.ts";

/** The reference's default, 1 ms: it measures time, which this package does not, and wants a figure in the message. */
const MAX_TIME_NS = 1_000_000;

/** What a snapshot does not hold. */
export interface RestoreOptions {
  /** Limits beside the facts and rounds that the snapshot states; see {@link Limits}. */
  readonly limits?: Partial<Limits>;
  /** Functions that expressions may call. @default none */
  readonly externs?: Readonly<Record<string, ExternFunction>>;
}

function writeSnapshotBlock(
  writer: ProtobufWriter,
  field: number,
  block: { readonly content: BlockContent; readonly externalKey: string | undefined },
  table: SymbolTable,
): void {
  const needed = requiredVersion(block.content);
  writer.message(field, () => {
    if (block.content.context !== undefined) writer.string(1, block.content.context);
    writer.uint64(2, block.externalKey === undefined ? needed : Math.max(needed, VERSION_3_2));
    writeBlockContent(writer, block.content, table, 3);
    if (block.externalKey !== undefined) writePublicKey(writer, 7, PublicKey.parse(block.externalKey));
  });
}

function groupByOrigin(evaluation: Evaluation): Map<Origin, Fact[]> {
  const groups = new Map<Origin, Fact[]>();
  for (const { fact, origin } of evaluation.facts) {
    const group = groups.get(origin);
    if (group === undefined) groups.set(origin, [fact]);
    else group.push(fact);
  }
  return groups;
}

function writeGenerated(writer: ProtobufWriter, origin: Origin, facts: readonly Fact[], table: SymbolTable): void {
  writer.message(7, () => {
    for (const block of originBlocks(origin)) {
      writer.message(1, () => {
        if (block === undefined) writer.message(1, () => {});
        else writer.uint64(2, block);
      });
    }
    for (const fact of facts) writeFact(writer, 2, fact, table);
  });
}

function writeWorld(writer: ProtobufWriter, evaluation: Evaluation): void {
  const { policies, authorizer, blocks } = evaluation.input;
  const table = new SymbolTable();
  const groups = groupByOrigin(evaluation);
  // The table stands before what refers to it, so everything is entered first.
  for (const { source } of policies) for (const query of source.queries) internRule(query, table);
  internBlock(authorizer.content, table);
  for (const { compiled } of blocks) internBlock(compiled.content, table);
  for (const facts of groups.values()) for (const fact of facts) internFact(fact, table);
  writer.uint64(1, VERSION_3_3);
  for (const symbol of table.symbols) writer.string(2, symbol);
  for (const key of table.keys) writePublicKey(writer, 3, PublicKey.parse(key));
  for (const { compiled, externalKey } of blocks) {
    writeSnapshotBlock(writer, 4, { content: compiled.content, externalKey }, table);
  }
  writeSnapshotBlock(writer, 5, { content: authorizer.content, externalKey: undefined }, table);
  for (const { source } of policies) writePolicy(writer, source, table);
  for (const [origin, facts] of groups) writeGenerated(writer, origin, facts, table);
  writer.uint64(8, evaluation.iterations);
}

function writePolicy(writer: ProtobufWriter, policy: Policy, table: SymbolTable): void {
  writer.message(6, () => {
    for (const query of policy.queries) writeRule(writer, 1, query, table);
    writer.uint64(2, policy.kind === "allow" ? 0 : 1);
  });
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
  const writer = new ProtobufWriter();
  const { maxFacts, maxIterations } = evaluation.input.limits;
  writer.message(1, () => {
    writer.uint64(1, maxFacts);
    writer.uint64(2, maxIterations);
    writer.uint64(3, MAX_TIME_NS);
  });
  // Readers take any time but 0 to say that the rules have been run.
  writer.uint64(2, evaluation.error === undefined ? 1 : 0);
  writer.message(3, () => writeWorld(writer, evaluation));
  return writer.finish();
}

interface Generated {
  readonly origin: Origin;
  readonly facts: readonly Fact[];
}

interface RestoredWorld {
  readonly blocks: readonly TokenBlock[];
  readonly authorizer: BlockContent;
  readonly policies: readonly Policy[];
  readonly generated: readonly Generated[];
  readonly iterations: number;
}

function readTable(bytes: Uint8Array): { readonly table: SymbolTable; readonly version: number } {
  const reader = new ProtobufReader(bytes);
  const table = new SymbolTable();
  let version: number | undefined;
  while (reader.next()) {
    if (reader.field === 1) version = once(version, "version", reader.uint32());
    else if (reader.field === 2) table.insert(reader.string());
    else if (reader.field === 3) table.insertKey(readPublicKey(reader.message()).toString());
    else reader.skip();
  }
  checkVersion(version ?? 0, undefined);
  return { table, version: version ?? 0 };
}

function readSnapshotBlock(bytes: Uint8Array, table: SymbolTable): TokenBlock {
  const header = new ProtobufReader(bytes);
  let context: string | undefined;
  let version: number | undefined;
  let externalKey: string | undefined;
  while (header.next()) {
    if (header.field === 1) context = once(context, "context", header.string());
    else if (header.field === 2) version = once(version, "version", header.uint32());
    else if (header.field === 7) externalKey = once(externalKey, "key", readPublicKey(header.message()).toString());
    else header.skip();
  }
  checkVersion(version ?? 0, undefined);
  const content = { ...readContent(new ProtobufReader(bytes), 3, table, version ?? 0), context };
  checkVersion(version ?? 0, content);
  return { compiled: compileBlock(content), externalKey };
}

function readPolicy(reader: ProtobufReader, table: SymbolTable, version: number): Policy {
  const queries: Rule[] = [];
  let kind: number | undefined;
  while (reader.next()) {
    if (reader.field === 1) queries.push(readRule(reader.message(), table, version));
    else if (reader.field === 2) kind = once(kind, "kind", reader.uint32());
    else reader.skip();
  }
  const number = required(kind, "kind");
  if (number > 1) throw new FormatError("invalid_op", `Cannot read a policy of this kind: ${number}`);
  return { kind: number === 0 ? "allow" : "deny", queries };
}

function readOrigin(reader: ProtobufReader, blockCount: number): Origin {
  let origin: Origin | undefined;
  while (reader.next()) {
    if (reader.field === 1) {
      reader.skip();
      origin = once(origin, "origin", AUTHORIZER);
    } else if (reader.field === 2) {
      const block = reader.uint32();
      if (block >= blockCount)
        throw new FormatError("bytes", `Cannot read a fact of a block that is not there: ${block}`);
      origin = once(origin, "origin", blockOrigin(block));
    } else reader.skip();
  }
  return required(origin, "origin");
}

function readGenerated(reader: ProtobufReader, table: SymbolTable, blockCount: number): Generated {
  let origin: Origin = 0;
  const facts: Fact[] = [];
  while (reader.next()) {
    if (reader.field === 1) origin = unite(origin, readOrigin(reader.message(), blockCount));
    else if (reader.field === 2) facts.push(readFact(reader.message(), table));
    else reader.skip();
  }
  return { origin, facts };
}

function readWorld(bytes: Uint8Array, limits: Limits): RestoredWorld {
  const { table, version } = readTable(bytes);
  const blocks: TokenBlock[] = [];
  const policies: Policy[] = [];
  const generated: Uint8Array[] = [];
  let authorizer: TokenBlock | undefined;
  let iterations: number | undefined;
  const reader = new ProtobufReader(bytes);
  while (reader.next()) {
    if (reader.field === 4) blocks.push(readSnapshotBlock(reader.bytes(), table));
    else if (reader.field === 5) authorizer = once(authorizer, "authorizer", readSnapshotBlock(reader.bytes(), table));
    else if (reader.field === 6) policies.push(readPolicy(reader.message(), table, version));
    else if (reader.field === 7) generated.push(reader.bytes());
    else if (reader.field === 8) iterations = once(iterations, "iterations", reader.uint32());
    else reader.skip();
  }
  if (blocks.length > limits.maxBlocks) {
    throw new FormatError("bytes", `Cannot read a snapshot of more than ${limits.maxBlocks} blocks: ${blocks.length}`);
  }
  return {
    blocks,
    policies,
    authorizer: required(authorizer, "authorizerBlock").compiled.content,
    generated: generated.map((group) => readGenerated(new ProtobufReader(group), table, blocks.length)),
    iterations: required(iterations, "iterations"),
  };
}

function readRunLimits(reader: ProtobufReader): Partial<Limits> {
  let maxFacts: number | undefined;
  let maxIterations: number | undefined;
  while (reader.next()) {
    if (reader.field === 1) maxFacts = once(maxFacts, "maxFacts", Number(reader.uint64()));
    else if (reader.field === 2) maxIterations = once(maxIterations, "maxIterations", Number(reader.uint64()));
    else reader.skip();
  }
  return { maxFacts: required(maxFacts, "maxFacts"), maxIterations: required(maxIterations, "maxIterations") };
}

/**
 * Brings back an evaluation from bytes or base64.
 *
 * @throws {FormatError} for what is no snapshot; {@link RangeError} for limits in it that are no positive integers.
 */
export function restoreSnapshot(message: Uint8Array | string, options: RestoreOptions = {}): Evaluation {
  const reader = new ProtobufReader(messageBytes(message));
  let stated: Partial<Limits> | undefined;
  let executionTime: number | undefined;
  let world: Uint8Array | undefined;
  while (reader.next()) {
    if (reader.field === 1) stated = once(stated, "limits", readRunLimits(reader.message()));
    else if (reader.field === 2) executionTime = once(executionTime, "executionTime", Number(reader.uint64()));
    else if (reader.field === 3) world = once(world, "world", reader.bytes());
    else reader.skip();
  }
  const limits = resolveLimits({ ...required(stated, "limits"), ...options.limits });
  const hasRun = required(executionTime, "executionTime") > 0;
  return evaluationOf(readWorld(required(world, "world"), limits), hasRun, limits, options);
}

function evaluationOf(restored: RestoredWorld, hasRun: boolean, limits: Limits, options: RestoreOptions): Evaluation {
  const input = {
    blocks: restored.blocks,
    authorizer: compileBlock(restored.authorizer),
    policies: restored.policies.map(compilePolicy),
    limits,
    externs: new Map(Object.entries(options.externs ?? {})),
  };
  return new Evaluation(input, (world) => {
    for (const { origin, facts } of restored.generated)
      for (const fact of facts) world.addFact(compileFact(fact), origin);
    if (hasRun) world.iterations = restored.iterations;
    else world.run();
  });
}

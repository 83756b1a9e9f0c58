import { PublicKey } from "../crypto/keys.ts";
import type { BlockContent, Check, CheckKind, Fact, Op, Predicate, Rule, Scope } from "../datalog/model.ts";
import { BINARY, BINARY_BY_WIRE, UNARY, UNARY_BY_WIRE } from "../datalog/operators.ts";
import { SymbolTable } from "../datalog/symbols.ts";
import { Parameter, Variable } from "../datalog/term.ts";
import { MIN_VERSION, requiredVersion, VERSION_3_1, VERSION_3_2, VERSION_3_3 } from "../datalog/version.ts";
import { FormatError } from "../errors.ts";
import { ProtobufReader, ProtobufWriter } from "./protobuf.ts";
import { internTerm, readTerm, writeTerm } from "./term-codec.ts";
import { once, readPublicKey, required, writePublicKey } from "./wrapper.ts";

/** A decoded block with the tables it declared. */
export interface Block extends BlockContent {
  /** Its Datalog version, 3 to 6. */
  readonly version: number;
  readonly symbols: readonly string[];
  /** The public keys it declared, as key text. */
  readonly publicKeys: readonly string[];
  /** The key of the third party that signed it, as key text. */
  readonly externalKey: string | undefined;
}

function readPredicate(reader: ProtobufReader, table: SymbolTable): Predicate {
  let name: string | undefined;
  const terms: ReturnType<typeof readTerm>[] = [];
  while (reader.next()) {
    if (reader.field === 1) name = once(name, "name", table.symbol(reader.uint64()));
    else if (reader.field === 2) terms.push(readTerm(reader.message(), table));
    else reader.skip();
  }
  return { name: required(name, "name"), terms };
}

/** Reads a `Fact` message. */
export function readFact(reader: ProtobufReader, table: SymbolTable): Fact {
  let predicate: Predicate | undefined;
  while (reader.next()) {
    if (reader.field === 1) predicate = once(predicate, "predicate", readPredicate(reader.message(), table));
    else reader.skip();
  }
  const fact = required(predicate, "predicate");
  if (fact.terms.some((term) => term instanceof Variable)) {
    throw new FormatError("invalid_set", "Cannot read a variable inside a fact");
  }
  return fact;
}

interface OpCode {
  readonly kind: number;
  readonly extern: string | undefined;
}

function readOpCode(reader: ProtobufReader, table: SymbolTable): OpCode {
  let kind: number | undefined;
  let extern: string | undefined;
  while (reader.next()) {
    if (reader.field === 1) kind = once(kind, "kind", reader.uint32());
    else if (reader.field === 2) extern = once(extern, "ffiName", table.symbol(reader.uint64()));
    else reader.skip();
  }
  return { kind: required(kind, "kind"), extern };
}

function checkExtern(isExtern: boolean, code: OpCode): void {
  if (isExtern !== (code.extern !== undefined)) {
    const problem = isExtern
      ? "an extern function without a name"
      : "a name on an operation that is no extern function";
    throw new FormatError("invalid_op", `Cannot read ${problem}`);
  }
}

function readUnary(reader: ProtobufReader, table: SymbolTable): Op {
  const code = readOpCode(reader, table);
  const op = UNARY_BY_WIRE.get(code.kind);
  if (op === undefined) throw new FormatError("invalid_op", `Cannot read a unary operation of this kind: ${code.kind}`);
  checkExtern(op === "extern", code);
  return code.extern === undefined ? { kind: "unary", op } : { kind: "unary", op, extern: code.extern };
}

function readBinary(reader: ProtobufReader, table: SymbolTable): Op {
  const code = readOpCode(reader, table);
  const op = BINARY_BY_WIRE.get(code.kind);
  if (op === undefined)
    throw new FormatError("invalid_op", `Cannot read a binary operation of this kind: ${code.kind}`);
  checkExtern(op === "extern", code);
  return code.extern === undefined ? { kind: "binary", op } : { kind: "binary", op, extern: code.extern };
}

function readClosure(reader: ProtobufReader, table: SymbolTable): Op {
  const params: string[] = [];
  const ops: Op[] = [];
  while (reader.next()) {
    if (reader.field === 1) params.push(table.symbol(reader.uint32()));
    else if (reader.field === 2) ops.push(readOp(reader.message(), table));
    else reader.skip();
  }
  return { kind: "closure", params, ops };
}

function readOp(reader: ProtobufReader, table: SymbolTable): Op {
  let op: Op | undefined;
  while (reader.next()) {
    if (reader.field === 1) op = once<Op>(op, "op", { kind: "value", term: readTerm(reader.message(), table) });
    else if (reader.field === 2) op = once(op, "op", readUnary(reader.message(), table));
    else if (reader.field === 3) op = once(op, "op", readBinary(reader.message(), table));
    else if (reader.field === 4) op = once(op, "op", readClosure(reader.message(), table));
    else reader.skip();
  }
  if (op === undefined) throw new FormatError("empty_content", "Cannot read an operation without content");
  return op;
}

function readExpression(reader: ProtobufReader, table: SymbolTable): Op[] {
  const ops: Op[] = [];
  while (reader.next()) {
    if (reader.field === 1) ops.push(readOp(reader.message(), table));
    else reader.skip();
  }
  return ops;
}

function readScopeType(type: number): Scope {
  if (type === 0) return "authority";
  if (type === 1) return "previous";
  throw new FormatError("invalid_op", `Cannot read a scope of this type: ${type}`);
}

function readScope(reader: ProtobufReader, table: SymbolTable): Scope {
  let scope: Scope | undefined;
  while (reader.next()) {
    if (reader.field === 1) scope = once(scope, "scope", readScopeType(reader.uint32()));
    else if (reader.field === 2) scope = once<Scope>(scope, "scope", { key: table.key(reader.int64()) });
    else reader.skip();
  }
  if (scope === undefined) throw new FormatError("empty_content", "Cannot read a scope without content");
  return scope;
}

/** Reads a `Rule` message of a block of this Datalog version. */
export function readRule(reader: ProtobufReader, table: SymbolTable, version: number): Rule {
  let head: Predicate | undefined;
  const body: Predicate[] = [];
  const expressions: Op[][] = [];
  const scopes: Scope[] = [];
  while (reader.next()) {
    if (reader.field === 1) head = once(head, "head", readPredicate(reader.message(), table));
    else if (reader.field === 2) body.push(readPredicate(reader.message(), table));
    else if (reader.field === 3) expressions.push(readExpression(reader.message(), table));
    else if (reader.field === 4) scopes.push(readScope(reader.message(), table));
    else reader.skip();
  }
  if (version < VERSION_3_1 && scopes.length > 0) throw featureError("scopes", VERSION_3_1);
  return { head: required(head, "head"), body, expressions, scopes };
}

function featureError(feature: string, version: number): FormatError {
  return new FormatError("feature_version", `Cannot read ${feature} in a block of a Datalog version before ${version}`);
}

const CHECK_KINDS: readonly CheckKind[] = ["check if", "check all", "reject if"];

function readCheck(reader: ProtobufReader, table: SymbolTable, version: number): Check {
  const queries: Rule[] = [];
  let kind: number | undefined;
  while (reader.next()) {
    if (reader.field === 1) queries.push(readRule(reader.message(), table, version));
    else if (reader.field === 2) kind = once(kind, "kind", reader.uint32());
    else reader.skip();
  }
  if (kind !== undefined && version < VERSION_3_1) throw featureError("a check kind", VERSION_3_1);
  const name = CHECK_KINDS[kind ?? 0];
  if (name === undefined) throw new FormatError("invalid_op", `Cannot read a check of this kind: ${kind}`);
  return { kind: name, queries };
}

/** The content of a block in the making. */
export interface Draft {
  facts: Fact[];
  rules: Rule[];
  checks: Check[];
  scopes: Scope[];
}

/** Refuses a version that is not read, or content that needs a later one. */
export function checkVersion(version: number, block: BlockContent | undefined): void {
  if (version < MIN_VERSION || version > VERSION_3_3) {
    throw new FormatError("version", `Cannot read a block of this Datalog version: ${version}`, {
      maximum: VERSION_3_3,
      minimum: MIN_VERSION,
      actual: version,
    });
  }
  if (block === undefined) return;
  const needed = requiredVersion(block);
  if (needed > version) throw featureError(`content of Datalog version ${needed}`, needed);
}

interface Header {
  readonly symbols: readonly string[];
  readonly publicKeys: readonly string[];
  readonly context: string | undefined;
  readonly version: number;
}

function readHeader(bytes: Uint8Array): Header {
  const reader = new ProtobufReader(bytes);
  const symbols: string[] = [];
  const publicKeys: string[] = [];
  let context: string | undefined;
  let version: number | undefined;
  while (reader.next()) {
    if (reader.field === 1) symbols.push(reader.string());
    else if (reader.field === 2) context = once(context, "context", reader.string());
    else if (reader.field === 3) version = once(version, "version", reader.uint32());
    else if (reader.field === 8) publicKeys.push(readPublicKey(reader.message()).toString());
    else reader.skip();
  }
  return { symbols, publicKeys, context, version: version ?? 0 };
}

/**
 * Reads the Datalog of a message whose facts, rules, checks and scopes are the four fields from `first` on.
 *
 * @throws {FormatError}
 */
export function readContent(reader: ProtobufReader, first: number, table: SymbolTable, version: number): Draft {
  const draft: Draft = { facts: [], rules: [], checks: [], scopes: [] };
  while (reader.next()) {
    const field = reader.field - first;
    if (field === 0) draft.facts.push(readFact(reader.message(), table));
    else if (field === 1) draft.rules.push(readRule(reader.message(), table, version));
    else if (field === 2) draft.checks.push(readCheck(reader.message(), table, version));
    else if (field === 3) draft.scopes.push(readScope(reader.message(), table));
    else reader.skip();
  }
  return draft;
}

/**
 * Reads a block, extending the token's table with what it declares; a third-party block has tables of its own.
 *
 * @throws {FormatError}
 */
export function readBlock(bytes: Uint8Array, tokenTable: SymbolTable, externalKey: string | undefined): Block {
  const header = readHeader(bytes);
  checkVersion(header.version, undefined);
  if (externalKey !== undefined && header.version < VERSION_3_2) throw featureError("a third-party block", VERSION_3_2);
  const table = externalKey === undefined ? tokenTable : new SymbolTable();
  table.extend(header.symbols, header.publicKeys);
  const block: Block = { ...header, ...readContent(new ProtobufReader(bytes), 4, table, header.version), externalKey };
  checkVersion(header.version, block);
  return block;
}

/** Adds what a fact or pattern refers to: its name, then its terms. */
export function internFact(predicate: Predicate, table: SymbolTable): void {
  table.insert(predicate.name);
  for (const term of predicate.terms) internTerm(term, table);
}

function internOp(op: Op, table: SymbolTable): void {
  if (op.kind === "value") internTerm(op.term, table);
  else if (op.kind === "closure") {
    for (const param of op.params) table.insert(param);
    for (const inner of op.ops) internOp(inner, table);
  } else if (op.extern !== undefined) table.insert(op.extern);
}

/** Adds what a rule refers to, in the reference's order: head, body, expressions, scopes. */
export function internRule(rule: Rule, table: SymbolTable): void {
  internFact(rule.head, table);
  for (const predicate of rule.body) internFact(predicate, table);
  for (const expression of rule.expressions) for (const op of expression) internOp(op, table);
  internScopes(rule.scopes, table);
}

function internScopes(scopes: readonly Scope[], table: SymbolTable): void {
  for (const scope of scopes) if (typeof scope === "object" && "key" in scope) table.insertKey(scope.key);
}

/** Adds what a block refers to, in the reference's order: facts, rules, checks, scopes. */
export function internBlock(block: BlockContent, table: SymbolTable): void {
  for (const fact of block.facts) internFact(fact, table);
  for (const rule of block.rules) internRule(rule, table);
  for (const check of block.checks) for (const query of check.queries) internRule(query, table);
  internScopes(block.scopes, table);
}

function writePredicate(writer: ProtobufWriter, field: number, predicate: Predicate, table: SymbolTable): void {
  writer.message(field, () => {
    writer.uint64(1, table.insert(predicate.name));
    for (const term of predicate.terms) writeTerm(writer, 2, term, table);
  });
}

function writeOp(writer: ProtobufWriter, field: number, op: Op, table: SymbolTable): void {
  writer.message(field, () => {
    if (op.kind === "value") writeTerm(writer, 1, op.term, table);
    else if (op.kind === "closure") {
      writer.message(4, () => {
        for (const param of op.params) writer.uint64(1, table.insert(param));
        for (const inner of op.ops) writeOp(writer, 2, inner, table);
      });
    } else {
      const entry = op.kind === "unary" ? UNARY[op.op] : BINARY[op.op];
      writer.message(op.kind === "unary" ? 2 : 3, () => {
        writer.uint64(1, entry.wire);
        if (op.extern !== undefined) writer.uint64(2, table.insert(op.extern));
      });
    }
  });
}

function writeScope(writer: ProtobufWriter, field: number, scope: Scope, table: SymbolTable): void {
  writer.message(field, () => {
    if (scope === "authority") writer.uint64(1, 0);
    else if (scope === "previous") writer.uint64(1, 1);
    else if (scope instanceof Parameter) {
      throw new FormatError("encode", `Cannot encode a parameter without a value: {${scope.name}}`);
    } else writer.int64(2, table.insertKey(scope.key));
  });
}

/** Writes a `Rule` message as `field`. */
export function writeRule(writer: ProtobufWriter, field: number, rule: Rule, table: SymbolTable): void {
  writer.message(field, () => {
    writePredicate(writer, 1, rule.head, table);
    for (const predicate of rule.body) writePredicate(writer, 2, predicate, table);
    for (const expression of rule.expressions) {
      writer.message(3, () => {
        for (const op of expression) writeOp(writer, 1, op, table);
      });
    }
    for (const scope of rule.scopes) writeScope(writer, 4, scope, table);
  });
}

/** Writes a `Fact` message as `field`. */
export function writeFact(writer: ProtobufWriter, field: number, fact: Fact, table: SymbolTable): void {
  writer.message(field, () => writePredicate(writer, 1, fact, table));
}

/** Writes a `Check` message as `field`. */
function writeCheck(writer: ProtobufWriter, field: number, check: Check, table: SymbolTable): void {
  writer.message(field, () => {
    for (const query of check.queries) writeRule(writer, 1, query, table);
    if (check.kind !== "check if") writer.uint64(2, CHECK_KINDS.indexOf(check.kind));
  });
}

/** A block ready to be signed. */
export interface EncodedBlock {
  readonly data: Uint8Array;
  readonly block: Block;
}

/**
 * Encodes a block against the tables of its token (new ones for a third-party block), which gain what it adds.
 *
 * @throws {FormatError} code `encode` for content that has no encoding.
 */
export function encodeBlock(content: BlockContent, table: SymbolTable, externalKey?: string): EncodedBlock {
  const symbolsBefore = table.symbols.length;
  const keysBefore = table.keys.length;
  internBlock(content, table);
  const symbols = table.symbols.slice(symbolsBefore);
  const publicKeys = table.keys.slice(keysBefore);
  const needed = requiredVersion(content);
  const version = externalKey === undefined ? needed : Math.max(needed, VERSION_3_2);
  const writer = new ProtobufWriter();
  for (const symbol of symbols) writer.string(1, symbol);
  if (content.context !== undefined) writer.string(2, content.context);
  writer.uint64(3, version);
  writeBlockContent(writer, content, table, 4);
  for (const key of publicKeys) writePublicKey(writer, 8, PublicKey.parse(key));
  return { data: writer.finish(), block: { ...content, version, symbols, publicKeys, externalKey } };
}

/** Writes facts, rules, checks and scopes as the four fields from `first` on. */
export function writeBlockContent(
  writer: ProtobufWriter,
  content: BlockContent,
  table: SymbolTable,
  first: number,
): void {
  for (const fact of content.facts) writeFact(writer, first, fact, table);
  for (const rule of content.rules) writeRule(writer, first + 1, rule, table);
  for (const check of content.checks) writeCheck(writer, first + 2, check, table);
  for (const scope of content.scopes) writeScope(writer, first + 3, scope, table);
}

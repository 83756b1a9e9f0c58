import { concatBytes } from "../crypto/bytes.ts";
import { keyText, splitKeyText } from "../crypto/public-key.ts";
import type { BlockContent, Check, CheckKind, Expression, Fact, Op, Predicate, Rule, Scope } from "../datalog/model.ts";
import { BINARY_NAMES, UNARY_NAMES } from "../datalog/operators.ts";
import type { SymbolTable } from "../datalog/symbols.ts";
import { Parameter, Variable } from "../datalog/term.ts";
import { MIN_VERSION, requiredVersion, VERSION_3_1, VERSION_3_2, VERSION_3_3 } from "../datalog/version.ts";
import { FormatError } from "../errors.ts";
import {
  type Codec,
  defaulted,
  enumeration,
  lazy,
  listOf,
  type Message,
  mapped,
  message,
  oneOf,
  optional,
  repeated,
  required,
  STRING,
  SYMBOL,
  UINT32,
  wireContext,
} from "./schema.ts";
import { TERM, unfilled } from "./term-codec.ts";
import { RAW_KEY } from "./wrapper.ts";

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

function featureError(feature: string, version: number): FormatError {
  return new FormatError("feature_version", `Cannot read ${feature} in a block of a Datalog version before ${version}`);
}

const PREDICATE = message<Predicate>({ name: required(1, SYMBOL), terms: repeated(2, TERM) });

/** A `Fact`. */
export const FACT: Codec<Fact> = mapped(
  message<{ readonly predicate: Fact }>({ predicate: required(1, PREDICATE) }),
  ({ predicate }) => {
    if (!predicate.terms.some((term) => term instanceof Variable)) return predicate;
    throw new FormatError("invalid_set", "Cannot read a variable inside a fact");
  },
  (predicate) => ({ predicate }),
);

interface OpCode<Name> {
  readonly op: Name;
  readonly extern?: string;
}

function opCode<Name extends string>(what: string, names: readonly Name[]): Codec<OpCode<Name>> {
  return mapped(
    message<{ readonly op: Name; readonly extern: string | undefined }>({
      op: required(1, enumeration(what, names)),
      extern: optional(2, SYMBOL),
    }),
    ({ op, extern }) => {
      if ((op === "extern") !== (extern !== undefined)) {
        throw new FormatError("invalid_op", `Cannot read ${what}: only extern functions have a name, and need one`);
      }
      return extern === undefined ? { op } : { op, extern };
    },
    ({ op, extern }) => ({ op, extern }),
  );
}

const OP_FIELDS = { value: 1, unary: 2, binary: 3, closure: 4 };

const OP: Codec<Op> = oneOf<Op>("an operation", ({ kind }) => OP_FIELDS[kind], {
  1: mapped(
    TERM,
    (term) => ({ kind: "value", term }) as const,
    ({ term }) => term,
  ),
  2: mapped(
    opCode("a unary operation", UNARY_NAMES),
    (code) => ({ kind: "unary", ...code }) as const,
    (op) => op,
  ),
  3: mapped(
    opCode("a binary operation", BINARY_NAMES),
    (code) => ({ kind: "binary", ...code }) as const,
    (op) => op,
  ),
  4: mapped(
    message<{ readonly params: readonly string[]; readonly ops: Expression }>({
      params: repeated(1, SYMBOL),
      ops: repeated(
        2,
        lazy(() => OP),
      ),
    }),
    ({ params, ops }) => ({ kind: "closure", params, ops }) as const,
    (op) => op,
  ),
});

const KEY: Codec<string> = {
  read: (reader, { table }) => table.key(reader.int64()),
  write: (writer, field, key, { table }) => writer.int64(field, table.insertKey(key)),
};

function scopeField(scope: Scope): number {
  if (scope instanceof Parameter) throw unfilled(scope);
  return typeof scope === "string" ? 1 : 2;
}

const SCOPE = oneOf<Scope>("a scope", scopeField, {
  1: enumeration<"authority" | "previous">("a scope", ["authority", "previous"]),
  2: mapped(
    KEY,
    (key) => ({ key }),
    ({ key }) => key,
  ),
});

/** A `Rule`; the queries of checks and policies are rules too. */
export const RULE = message<Rule>({
  head: required(1, PREDICATE),
  body: repeated(2, PREDICATE),
  expressions: repeated(3, listOf(OP)),
  scopes: repeated(4, SCOPE),
});

const CHECK: Codec<Check> = mapped(
  message<{ readonly queries: readonly Rule[]; readonly kind: CheckKind | undefined }>({
    queries: repeated(1, RULE),
    kind: optional(2, enumeration("a check", ["check if", "check all", "reject if"])),
  }),
  ({ queries, kind }, { version }) => {
    if (kind !== undefined && version < VERSION_3_1) throw featureError("a check kind", VERSION_3_1);
    return { kind: kind ?? "check if", queries };
  },
  ({ queries, kind }) => ({ queries, kind: kind === "check if" ? undefined : kind }),
);

/** The Datalog of a block, without what goes before and behind it. */
export type Statements = Pick<BlockContent, "facts" | "rules" | "checks" | "scopes">;

/** The part of a message whose facts, rules, checks and scopes are the four fields from `first` on. */
export function statements(first: number): Message<Statements> {
  return message<Statements>({
    facts: repeated(first, FACT),
    rules: repeated(first + 1, RULE),
    checks: repeated(first + 2, CHECK),
    scopes: repeated(first + 3, SCOPE),
  });
}

/**
 * A public key as key text. Whether it is on the curve is left open: that takes as long as checking a signature, a block
 * can name hundreds, and a key that is not has signed nothing.
 */
export const KEY_TEXT: Codec<string> = mapped(
  RAW_KEY,
  ({ algorithm, key }) => keyText(algorithm, key),
  (text) => {
    const { algorithm, bytes } = splitKeyText(text, "");
    return { algorithm, key: bytes };
  },
);

type Header = Pick<Block, "symbols" | "context" | "version" | "publicKeys">;

const HEADER = message<Header>({
  symbols: repeated(1, STRING),
  context: optional(2, STRING),
  version: defaulted(3, UINT32, 0),
  publicKeys: repeated(8, KEY_TEXT),
});
const STATEMENTS = statements(4);
const NO_HEADER: Header = { symbols: [], context: undefined, version: 0, publicKeys: [] };

/** Refuses a Datalog version that is not read. */
export function checkVersion(version: number): void {
  if (version >= MIN_VERSION && version <= VERSION_3_3) return;
  throw new FormatError("version", `Cannot read a block of this Datalog version: ${version}`, {
    maximum: VERSION_3_3,
    minimum: MIN_VERSION,
    actual: version,
  });
}

/** Refuses content that needs a later Datalog version than its block states. */
export function checkContent(version: number, content: Statements): void {
  const needed = requiredVersion(content);
  if (needed > version) throw featureError(`content of Datalog version ${needed}`, needed);
}

/**
 * Reads a block, extending the token's table with what it declares; a third-party block has tables of its own.
 *
 * @throws {FormatError}
 */
export function readBlock(bytes: Uint8Array, tokenTable: SymbolTable, externalKey: string | undefined): Block {
  const table = externalKey === undefined ? tokenTable : tokenTable.separate();
  const header = HEADER.decode(bytes, wireContext(table));
  const { version, symbols, publicKeys } = header;
  checkVersion(version);
  if (externalKey !== undefined && version < VERSION_3_2) throw featureError("a third-party block", VERSION_3_2);
  table.extend(symbols, publicKeys);
  const content = STATEMENTS.decode(bytes, wireContext(table, version));
  checkContent(version, content);
  return { ...header, ...content, externalKey };
}

/** A block ready to be signed. */
export interface EncodedBlock {
  readonly data: Uint8Array;
  readonly block: Block;
}

/** The version that a block states. */
export function statedVersion(content: Statements, externalKey: string | undefined): number {
  return Math.max(requiredVersion(content), externalKey === undefined ? MIN_VERSION : VERSION_3_2);
}

/**
 * Encodes a block against the tables of its token (new ones for a third-party block), which gain what it adds.
 *
 * @throws {FormatError} code `encode` for content that has no encoding.
 */
export function encodeBlock(content: BlockContent, table: SymbolTable, externalKey?: string): EncodedBlock {
  const symbolsBefore = table.symbols.length;
  const keysBefore = table.keys.length;
  const context = wireContext(table);
  const written = STATEMENTS.encode(content, context);
  const block: Block = {
    ...content,
    version: statedVersion(content, externalKey),
    symbols: table.symbols.slice(symbolsBefore),
    publicKeys: table.keys.slice(keysBefore),
    externalKey,
  };
  // Fields stand in the order of their numbers, so the keys come last.
  const head = HEADER.encode({ ...block, publicKeys: [] }, context);
  const tail = HEADER.encode({ ...NO_HEADER, publicKeys: block.publicKeys }, context);
  return { data: concatBytes(head, written, tail), block };
}

import { toHex } from "./crypto/bytes.ts";
import type { PublicKey } from "./crypto/keys.ts";
import type { KeyAlgorithm } from "./crypto/provider.ts";
import { normalizeSignature } from "./crypto/strict-provider.ts";
import type { BlockContent, Expression, Op, Predicate, Rule } from "./datalog/model.ts";
import { isArray, isPrimitive, type Term, TermMap, TermSet, Timestamp, Variable } from "./datalog/term.ts";
import type { Container } from "./format/wrapper.ts";
import { printBlock } from "./text/printer.ts";
import type { Chain } from "./token-model.ts";

/** One block of a token, for reading. */
export interface BlockInfo {
  /** 0 is the authority. */
  readonly index: number;
  /** The Datalog version, 3 to 6. */
  readonly version: number;
  /**
   * The block as Datalog text, as the reference prints it: for people, as strings are not escaped and can look like
   * anything. Programs read {@link BlockInfo.content}.
   */
  readonly source: string;
  /**
   * The block as data: facts, rules, and checks with their queries, scopes and expressions, in the order in which they
   * stand in the block. Strings are those of the block's own symbols, exactly.
   *
   * An expression is its operations in postfix order; {@link Op} lists their kinds. Terms are plain JavaScript where it has
   * them ({@link Term}); sets and maps are in the order in which they are encoded. It is a copy: writing to it changes no
   * token.
   *
   * @example
   * const [fact] = token.blocks[0].content.facts;
   * console.log(fact.name, fact.terms[0]); // user alice
   */
  readonly content: BlockContent;
  /** Free text of the issuer for the application; no check can see it. */
  readonly context: string | undefined;
  /** The key of the third party that signed the block. */
  readonly externalKey: PublicKey | undefined;
  /** The strings that the block adds to the symbol table of the token, or of its own if a third party signed it. */
  readonly symbols: readonly string[];
  /** Public keys the block refers to, as key text. */
  readonly publicKeys: readonly string[];
  /** The signature of the block in hexadecimal: its revocation id. */
  readonly revocationId: string;
}

/** The revocation ids of a token, one for each block. */
export const revocationIdsOf = (container: Container): string[] =>
  container.blocks.map(({ signature }) => toHex(signature));

function copyTerm(term: Term): Term {
  if (isPrimitive(term)) return term;
  if (term instanceof Uint8Array) return term.slice();
  if (term instanceof TermSet) return new TermSet(term.items.map(copyTerm));
  if (term instanceof TermMap) return new TermMap(term.entries.map(([key, value]) => [key, copyTerm(value)] as const));
  if (term instanceof Variable) return new Variable(term.name);
  if (term instanceof Timestamp) return new Timestamp(term.seconds);
  return isArray(term) ? term.map(copyTerm) : term;
}

const copyPredicate = ({ name, terms }: Predicate): Predicate => ({ name, terms: terms.map(copyTerm) });

function copyOp(op: Op): Op {
  if (op.kind === "value") return { kind: "value", term: copyTerm(op.term) };
  return op.kind === "closure" ? { kind: "closure", params: [...op.params], ops: op.ops.map(copyOp) } : { ...op };
}

const copyExpression = (expression: Expression): Expression => expression.map(copyOp);
const copyScopes = (scopes: Rule["scopes"]): Rule["scopes"] =>
  scopes.map((scope) => (typeof scope === "string" ? scope : "key" in scope ? { key: scope.key } : scope));

const copyRule = ({ head, body, expressions, scopes }: Rule): Rule => ({
  head: copyPredicate(head),
  body: body.map(copyPredicate),
  expressions: expressions.map(copyExpression),
  scopes: copyScopes(scopes),
});

const copyContent = ({ facts, rules, checks, scopes, context }: BlockContent): BlockContent => ({
  facts: facts.map(copyPredicate),
  rules: rules.map(copyRule),
  checks: checks.map(({ kind, queries }) => ({ kind, queries: queries.map(copyRule) })),
  scopes: copyScopes(scopes),
  context,
});

/** The blocks of a token, for reading; what takes time is made when it is asked for. */
export function describeBlocks(chain: Chain): BlockInfo[] {
  return chain.blocks.map((block, index) => ({
    index,
    version: block.version,
    get source() {
      return printBlock(block);
    },
    get content() {
      return copyContent(block);
    },
    context: block.context,
    externalKey: chain.container.blocks[index]?.external?.publicKey,
    symbols: block.symbols,
    publicKeys: block.publicKeys,
    revocationId: toHex(chain.container.blocks[index]?.signature ?? new Uint8Array()),
  }));
}

/** The same ids with each signature in its normal form; every block is signed by the key that the one before it names. */
export function normalizedRevocationIdsOf({ blocks }: Container, rootAlgorithm: KeyAlgorithm): string[] {
  const algorithms = [rootAlgorithm, ...blocks.map(({ nextKey }) => nextKey.algorithm)];
  return blocks.map(({ signature }, at) => toHex(normalizeSignature(algorithms[at] ?? rootAlgorithm, signature)));
}

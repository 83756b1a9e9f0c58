import { assertText, wrongArgument } from "./arguments.ts";
import { type TermInput, toTerm } from "./datalog/javascript-values.ts";
import type { BlockContent, Check, Fact, Rule, Scope } from "./datalog/model.ts";
import { Variable } from "./datalog/term.ts";
import { DatalogError } from "./errors.ts";
import { type DatalogInput, resolveDatalog } from "./statements.ts";
import type { Parameters } from "./text/parameters.ts";
import { printBlock } from "./text/printer.ts";

const NAME = /^[\w:]+$/;

/**
 * Makes a fact from values, without text.
 *
 * @throws {DatalogError} code `invalid_value`.
 * @example
 * fact("right", "/a/file1.txt", "read");
 */
export function fact(name: string, ...terms: readonly TermInput[]): Fact {
  assertText("fact", "a name, then terms", name);
  if (!NAME.test(name)) throw new DatalogError("invalid_value", `Cannot use this as the name of a fact: ${name}`);
  if (terms.length === 0) throw new DatalogError("invalid_value", `Cannot make a fact without terms: ${name}`);
  if (terms.some((term) => term instanceof Variable)) {
    throw new DatalogError("invalid_value", `Cannot make a fact with a variable: ${name}`);
  }
  return { name, terms: terms.map((term) => toTerm(term)) };
}

const isFact = (value: Fact): boolean => typeof value?.name === "string" && Array.isArray(value.terms);

/** Refuses what is no array of facts. @throws {UsageError} */
export function assertFacts(facts: readonly Fact[]): void {
  if (Array.isArray(facts) && facts.every(isFact)) return;
  throw wrongArgument("facts", "what fact() makes, in an array where it is an option", facts);
}

/**
 * Collects the Datalog of a block; what it makes is fixed once and for all when the block is signed.
 *
 * @example
 * const block = new BlockBuilder().code("check if operation({op});", { op: "read" });
 */
export class BlockBuilder {
  readonly #facts: Fact[] = [];
  readonly #rules: Rule[] = [];
  readonly #checks: Check[] = [];
  readonly #scopes: Scope[] = [];
  #context: string | undefined;

  /** Starts from Datalog, or from another builder. */
  constructor(input?: DatalogInput | BlockBuilder) {
    if (input instanceof BlockBuilder) this.#append(input.content);
    else if (input !== undefined) this.code(input);
  }

  /**
   * Adds facts, rules and checks, and a `trusting` clause for the block.
   *
   * @throws {DatalogError} for text that does not parse, parameters that do not fit, and policies.
   */
  code(input: DatalogInput, parameters?: Parameters): this {
    const content = resolveDatalog(input, parameters);
    if (content.policies.length > 0) {
      throw new DatalogError("invalid_value", "Cannot put a policy into a block: policies are the authorizer's");
    }
    this.#append(content);
    return this;
  }

  /** Adds facts made by {@link fact}. */
  facts(...facts: readonly Fact[]): this {
    assertFacts(facts);
    this.#facts.push(...facts);
    return this;
  }

  /** Sets the context: free text for the application, that no check can see. */
  context(context: string): this {
    this.#context = context;
    return this;
  }

  #append(content: BlockContent): void {
    for (const item of content.facts) this.#facts.push(item);
    for (const rule of content.rules) this.#rules.push(rule);
    for (const check of content.checks) this.#checks.push(check);
    for (const scope of content.scopes) this.#scopes.push(scope);
    this.#context = content.context ?? this.#context;
  }

  /** What was collected. */
  get content(): BlockContent {
    return {
      facts: [...this.#facts],
      rules: [...this.#rules],
      checks: [...this.#checks],
      scopes: [...this.#scopes],
      context: this.#context,
    };
  }

  /** The block as Datalog text. */
  toString(): string {
    return printBlock(this.content);
  }
}

/** A block to sign: a builder, or Datalog. */
export type BlockInput = BlockBuilder | DatalogInput;

/** The content of a block to sign. */
export function blockContent(input: BlockInput): BlockContent {
  return (input instanceof BlockBuilder ? input : new BlockBuilder(input)).content;
}

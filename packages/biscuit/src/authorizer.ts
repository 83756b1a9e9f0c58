import { wrongArgument } from "./arguments.ts";
import { Biscuit, UnverifiedBiscuit } from "./biscuit.ts";
import { assertFacts } from "./block-builder.ts";
import { compileFact } from "./datalog/compile.ts";
import type { AuthorizerContent, Fact } from "./datalog/model.ts";
import type { ExternFunction } from "./datalog/operations.ts";
import type { Decision } from "./decision.ts";
import { UsageError } from "./errors.ts";
import { Evaluation, type TokenBlock } from "./evaluation.ts";
import { type EvaluationLimits, type Limits, resolveLimits } from "./limits.ts";
import { type CompiledBlock, type CompiledPolicy, compileBlock, compilePolicy } from "./loaded-block.ts";
import { Datalog, type DatalogInput, resolveDatalog } from "./statements.ts";
import type { Parameters } from "./text/parameters.ts";
import { printAuthorizer } from "./text/printer.ts";

/** How an authorizer is made. */
export interface AuthorizerOptions {
  /** Values for the parameters of the Datalog. */
  readonly parameters?: Parameters;
  /** What an evaluation may cost; the limits on reading a token are for `Biscuit.parse`. */
  readonly limits?: Partial<EvaluationLimits>;
  /** Functions that expressions may call as `.extern::name()`. @default none */
  readonly externs?: Readonly<Record<string, ExternFunction>>;
}

/** What one request adds to the authorizer. */
export interface RequestOptions {
  /** Facts of this request, made by `fact()`: the cheapest way. */
  readonly facts?: readonly Fact[];
  /** Facts, rules, checks and policies of this request; policies come after the authorizer's own. */
  readonly code?: DatalogInput;
  /** Values for the parameters of `code`. */
  readonly parameters?: Parameters;
}

const EMPTY: AuthorizerContent = { facts: [], rules: [], checks: [], policies: [], scopes: [], context: undefined };

function mergeBlocks(base: CompiledBlock, added: CompiledBlock): CompiledBlock {
  return {
    facts: [...base.facts, ...added.facts],
    rules: [...base.rules, ...added.rules],
    checks: [...base.checks, ...added.checks],
    scopes: [...base.scopes, ...added.scopes],
    context: base.context,
    invalidRule: base.invalidRule ?? added.invalidRule,
  };
}

/**
 * The policy of a service: facts, rules, checks and policies, parsed and compiled once and applied to any number of
 * tokens. It is immutable and holds nothing of the tokens it judged.
 *
 * @example
 * const authorizer = new Authorizer(`allow if operation($op), right($file, $op), resource($file);`);
 * const decision = authorizer.authorize(token, { facts: [fact("resource", "file1"), fact("operation", "read")] });
 * if (!decision.allowed) console.log(decision.reason);
 */
export class Authorizer {
  readonly #content: AuthorizerContent;
  readonly #block: CompiledBlock;
  readonly #policies: readonly CompiledPolicy[];
  readonly #limits: Limits;
  readonly #externs: ReadonlyMap<string, ExternFunction>;

  /**
   * @throws {DatalogError} for text that does not parse and parameters that do not fit; {@link RangeError} for limits.
   */
  constructor(input: DatalogInput = new Datalog(EMPTY), options: AuthorizerOptions = {}) {
    this.#content = resolveDatalog(input, options.parameters);
    this.#block = compileBlock(this.#content);
    this.#policies = this.#content.policies.map(compilePolicy);
    this.#limits = resolveLimits(options.limits);
    this.#externs = new Map(Object.entries(options.externs ?? {}));
  }

  #request(request: RequestOptions): { readonly block: CompiledBlock; readonly policies: readonly CompiledPolicy[] } {
    let block = this.#block;
    let policies = this.#policies;
    if (request.code !== undefined) {
      const content = resolveDatalog(request.code, request.parameters);
      block = mergeBlocks(block, compileBlock(content));
      policies = [...policies, ...content.policies.map(compilePolicy)];
    }
    const { facts } = request;
    if (facts === undefined) return { block, policies };
    assertFacts(facts);
    block = { ...block, facts: [...block.facts, ...facts.map(compileFact)] };
    return { block, policies };
  }

  #evaluate(blocks: readonly TokenBlock[], request: RequestOptions): Evaluation {
    const { block, policies } = this.#request(request);
    return new Evaluation({ blocks, authorizer: block, policies, limits: this.#limits, externs: this.#externs });
  }

  /**
   * Brings a token before this authorizer: for queries, snapshots and the decision.
   *
   * @throws {UsageError} for anything but a verified token; {@link DatalogError} for `code` that does not parse.
   * @example
   * authorizer.evaluate(token).query("who($name) <- user($name)");
   */
  evaluate(token: Biscuit, request: RequestOptions = {}): Evaluation {
    return this.#evaluate(tokenBlocks(assertVerified(token)), request);
  }

  /** The same as {@link Authorizer.evaluate} for a request that comes without a token. */
  evaluateWithoutToken(request: RequestOptions = {}): Evaluation {
    return this.#evaluate([], request);
  }

  /**
   * Decides about a token.
   *
   * @throws {UsageError} for anything but a verified token: a promise that was not awaited, one that was not verified, none;
   * {@link DatalogError} for `code` that does not parse. What the token holds never throws.
   */
  authorize(token: Biscuit, request: RequestOptions = {}): Decision {
    return this.evaluate(token, request).decide();
  }

  /**
   * Decides about a request that comes without a token, by the authorizer alone. It has a name of its own so that a token
   * that was lost on its way is not taken for one that is not needed.
   */
  authorizeWithoutToken(request: RequestOptions = {}): Decision {
    return this.evaluateWithoutToken(request).decide();
  }

  /** The authorizer as Datalog text. */
  toString(): string {
    return printAuthorizer(this.#content);
  }
}

function assertVerified(token: unknown): Biscuit {
  if (token instanceof Biscuit) return token;
  if (token instanceof UnverifiedBiscuit) {
    throw new UsageError(
      "not_verified",
      "Cannot authorize a token that was not verified: call `await token.verify(rootKey)` and pass what it returns",
    );
  }
  throw wrongArgument(
    "authorize",
    "a verified token (for a request without one call authorizeWithoutToken or evaluateWithoutToken)",
    token,
  );
}

function tokenBlocks(token: Biscuit): TokenBlock[] {
  const keys = token.decodedBlocks;
  return token.compiledBlocks.map((compiled, i) => ({ compiled, externalKey: keys[i]?.externalKey }));
}

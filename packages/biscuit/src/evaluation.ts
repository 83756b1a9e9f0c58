import type { CompiledRule } from "./datalog/compile.ts";
import { compileRule, expressionSize, ruleSize } from "./datalog/compile.ts";
import { fromTerm, type TermOutput } from "./datalog/javascript-values.ts";
import type { Fact, Rule, Scope } from "./datalog/model.ts";
import type { EvaluationContext, ExternFunction } from "./datalog/operations.ts";
import {
  AUTHORIZER,
  AUTHORIZER_STANDPOINT,
  blockOrigin,
  blockStandpoint,
  DEFAULT_TRUSTED,
  type Origin,
  originBlocks,
  type Standpoint,
  trustedOrigins,
  unite,
} from "./datalog/origin.ts";
import { World } from "./datalog/world.ts";
import { Decision, type FailedCheck, MatchedPolicy } from "./decision.ts";
import { BiscuitError, ExpressionError, type ExpressionPlace } from "./errors.ts";
import { getOrCreate } from "./get-or-create.ts";
import type { Limits } from "./limits.ts";
import { Fuel } from "./limits.ts";
import { type CompiledBlock, type CompiledCheck, type CompiledPolicy, invalidRuleError } from "./loaded-block.ts";
import type { Parameters } from "./text/parameters.ts";
import { fillRule, parameterMap } from "./text/parameters.ts";
import { parseOneRule } from "./text/parser.ts";
import { printCheck, printExpression, printPolicy, printPredicate, printRule } from "./text/printer.ts";

/** A block with the third party that signed it, as key text. */
export interface TokenBlock {
  readonly compiled: CompiledBlock;
  readonly externalKey: string | undefined;
}

/** What an evaluation is made of. */
export interface EvaluationInput {
  /** The blocks of the token; none for a decision without a token. */
  readonly blocks: readonly TokenBlock[];
  readonly authorizer: CompiledBlock;
  readonly policies: readonly CompiledPolicy[];
  readonly limits: Limits;
  readonly externs: ReadonlyMap<string, ExternFunction>;
}

/** A fact that a query found, as plain JavaScript. */
export interface QueryResult {
  readonly name: string;
  /** Its terms: dates as `Date`, sets as `Set`, maps as `Map`. */
  readonly terms: readonly TermOutput[];
}

/** What is known under one origin: `undefined` among the blocks stands for the authorizer. */
export interface OriginFacts {
  /** The blocks that the facts come from, 0 for the authority. */
  readonly origin: readonly (number | undefined)[];
  /** Facts as Datalog text, sorted. */
  readonly facts: readonly string[];
}

/** Rules or checks of one block, as Datalog text; `undefined` stands for the authorizer. */
export interface BlockStatements {
  /** The block, 0 for the authority. */
  readonly block: number | undefined;
  /** The rules or checks, sorted. */
  readonly statements: readonly string[];
}

/** All that an evaluation holds, as text. */
export interface WorldDump {
  /** The facts of token and authorizer, and those derived, by origin. */
  readonly facts: readonly OriginFacts[];
  /** The rules by block. */
  readonly rules: readonly BlockStatements[];
  /** The checks by block. */
  readonly checks: readonly BlockStatements[];
  /** The policies, in order. */
  readonly policies: readonly string[];
}

/** What reporting a failed check or an invalid rule costs, and each part of it: two bytes of a token are enough for a check. */
const REPORT_COST = 16;
const PART_COST = 8;

/**
 * What checking a signature costs, about: of a token of many blocks it takes longer than all evaluation may, and both hold
 * the thread. It is charged whether or not a cache knew the signature, so that the verdict is the same.
 */
const SIGNATURE_COST = 400;

const signatureCount = (blocks: readonly TokenBlock[]): number =>
  blocks.reduce((count, { externalKey }) => count + (externalKey === undefined ? 1 : 2), 0);

/** A block as it stands in this evaluation. */
interface Placed {
  readonly block: CompiledBlock;
  readonly index: number | undefined;
  readonly standpoint: Standpoint;
  readonly trusted: Origin;
}

/**
 * One token before one authorizer: the facts of both, what the rules derive from them, and the verdict.
 *
 * Fuel is shared by everything that is asked of it.
 */
export class Evaluation {
  readonly #input: EvaluationInput;
  readonly #world: World;
  readonly #context: EvaluationContext;
  readonly #keyOrigins: ReadonlyMap<string, Origin>;
  readonly #authorizer: Placed;
  readonly #blocks: readonly Placed[];
  #failure: BiscuitError | undefined;

  /**
   * Used by `Authorizer.evaluate` and `restoreSnapshot`.
   *
   * @internal
   */
  constructor(input: EvaluationInput, restored?: (world: World) => void) {
    this.#input = input;
    this.#context = { fuel: new Fuel(input.limits.fuel), externs: input.externs, regexes: new Map() };
    this.#world = new World(this.#context, input.limits);
    this.#keyOrigins = keyOrigins(input.blocks);
    this.#blocks = input.blocks.map(({ compiled }, i) => this.#place(compiled, i, blockStandpoint(i)));
    this.#authorizer = this.#place(input.authorizer, undefined, AUTHORIZER_STANDPOINT);
    this.#failure = this.#attempt(() => {
      this.#context.fuel.spend(SIGNATURE_COST * signatureCount(input.blocks));
      for (const placed of this.#blocks) this.#load(placed);
      this.#load(this.#authorizer);
      if (restored === undefined) this.#world.run();
      else restored(this.#world);
    });
  }

  #place(block: CompiledBlock, index: number | undefined, standpoint: Standpoint): Placed {
    const trusted = trustedOrigins(block.scopes, DEFAULT_TRUSTED, standpoint, this.#keyOrigins);
    return { block, index, standpoint, trusted };
  }

  /** Runs a part of the evaluation; what a token can cause is returned, anything else is thrown. */
  #attempt(part: () => void, query?: CompiledRule): BiscuitError | undefined {
    try {
      part();
      return undefined;
    } catch (error) {
      if (error instanceof ExpressionError) return this.#explained(error, query);
      if (error instanceof BiscuitError) return error;
      throw error;
    }
  }

  /** The error with the statement that was being evaluated, as text if there is fuel to print it. */
  #explained(error: ExpressionError, query?: CompiledRule): ExpressionError {
    const found = query === undefined ? this.#statementOf(this.#world.evaluated) : queryStatement(query);
    if (found === undefined) return error;
    const { block, statement, index, rules, print } = found;
    const expression = this.#world.evaluated?.source.expressions[this.#world.expression] ?? [];
    const isPrinted = this.#attempt(() => {
      this.#chargeReport(rules);
      this.#context.fuel.spend(PART_COST * expressionSize(expression));
    });
    const text =
      isPrinted === undefined
        ? { source: print(), expression: printExpression(expression) }
        : { source: undefined, expression: undefined };
    return error.at({ block, statement, index, ...text });
  }

  /** The rule, check or policy that a compiled rule is, or is a query of. */
  #statementOf(rule: CompiledRule | undefined): Statement | undefined {
    if (rule === undefined) return undefined;
    for (const { block, index } of [...this.#blocks, this.#authorizer]) {
      const ruleAt = block.rules.indexOf(rule);
      if (ruleAt >= 0) return statementAt("rule", index, ruleAt, [rule.source], () => printRule(rule.source));
      const checkAt = block.checks.findIndex(({ queries }) => queries.includes(rule));
      const check = block.checks[checkAt]?.source;
      if (check !== undefined) return statementAt("check", index, checkAt, check.queries, () => printCheck(check));
    }
    const policyAt = this.#input.policies.findIndex(({ queries }) => queries.includes(rule));
    const policy = this.#input.policies[policyAt]?.source;
    if (policy === undefined) return undefined;
    return statementAt("policy", undefined, policyAt, policy.queries, () => printPolicy(policy));
  }

  #load({ block, standpoint, trusted }: Placed): void {
    if (block.invalidRule !== undefined) {
      this.#chargeReport([block.invalidRule]);
      throw invalidRuleError(block.invalidRule);
    }
    for (const fact of block.facts) this.#world.addFact(fact, standpoint.own);
    for (const rule of block.rules) {
      this.#world.addRule({ rule, origin: standpoint.own, trusted: this.#trusted(rule.scopes, trusted, standpoint) });
    }
  }

  #trusted(scopes: readonly Scope[], defaults: Origin, standpoint: Standpoint): Origin {
    return trustedOrigins(scopes, defaults, standpoint, this.#keyOrigins);
  }

  /** The steps spent so far. */
  get fuelUsed(): number {
    return this.#input.limits.fuel - this.#context.fuel.remaining;
  }

  /** The rounds in which rules added facts. */
  get iterations(): number {
    return this.#world.iterations;
  }

  /** What ended the evaluation before it was complete. */
  get error(): BiscuitError | undefined {
    return this.#failure;
  }

  /** Judges checks and policies. The verdict is a value; nothing that a token holds is thrown. */
  decide(): Decision {
    const failedChecks: FailedCheck[] = [];
    let policy: MatchedPolicy | undefined;
    const [authority, ...others] = this.#blocks;
    const error =
      this.#failure ??
      this.#attempt(() => {
        this.#judge(this.#authorizer, failedChecks);
        if (authority !== undefined) this.#judge(authority, failedChecks);
        policy = this.#matchPolicy();
        for (const placed of others) this.#judge(placed, failedChecks);
      });
    if (error !== undefined)
      return new Decision({ policy: undefined, failedChecks: [], error, fuelUsed: this.fuelUsed });
    return new Decision({ policy, failedChecks, error, fuelUsed: this.fuelUsed });
  }

  #judge(placed: Placed, failed: FailedCheck[]): void {
    for (const [index, check] of placed.block.checks.entries()) {
      if (this.#holds(check, placed)) continue;
      this.#chargeReport(check.source.queries);
      failed.push({ block: placed.index, index, check: printCheck(check.source) });
    }
  }

  /** To be called before what a verdict holds is printed, which takes longer than to read it. */
  #chargeReport(rules: readonly Rule[]): void {
    for (const rule of rules) this.#context.fuel.spend(PART_COST * ruleSize(rule));
    this.#context.fuel.spend(REPORT_COST);
  }

  #holds({ source, queries }: CompiledCheck, { trusted: defaults, standpoint }: Placed): boolean {
    const matches = (query: CompiledRule): boolean => {
      this.#context.fuel.spend(1);
      const trusted = this.#trusted(query.scopes, defaults, standpoint);
      return source.kind === "check all" ? this.#world.matchesAll(query, trusted) : this.#world.matches(query, trusted);
    };
    // The specification fails `reject if` when any of its queries matches; the reference only when all of them do.
    if (source.kind === "reject if") return queries.length > 0 && !queries.some(matches);
    return queries.some(matches);
  }

  #matchPolicy(): MatchedPolicy | undefined {
    const { standpoint, trusted } = this.#authorizer;
    for (const [index, { source, queries }] of this.#input.policies.entries()) {
      for (const query of queries) {
        this.#context.fuel.spend(1);
        if (!this.#world.matches(query, this.#trusted(query.scopes, trusted, standpoint))) continue;
        return new MatchedPolicy(source, index);
      }
    }
    return undefined;
  }

  /**
   * Runs a rule over the facts and returns what it derives. It sees the authority and the authorizer, unless the rule
   * says otherwise with `trusting`.
   *
   * @throws {DatalogError} for text that does not parse; {@link ExpressionError}; {@link LimitError}; and what ended the
   * evaluation before.
   * @example
   * authorizer.evaluate(token).query("data($name) <- user($name)");
   */
  query(rule: string, parameters: Parameters = {}): QueryResult[] {
    return this.#query(rule, parameters, DEFAULT_TRUSTED);
  }

  /** The same as {@link Evaluation.query}, over the facts of every block: they say what their holders chose to say. */
  queryAll(rule: string, parameters: Parameters = {}): QueryResult[] {
    let all: Origin = AUTHORIZER;
    for (const i of this.#blocks.keys()) all = unite(all, blockOrigin(i));
    return this.#query(rule, parameters, all);
  }

  #query(source: string, parameters: Parameters, defaults: Origin): QueryResult[] {
    if (this.#failure !== undefined) throw this.#failure;
    const rule = compileRule(fillRule(parseOneRule(source), parameterMap(parameters)));
    const trusted = this.#trusted(rule.scopes, defaults, AUTHORIZER_STANDPOINT);
    let facts: readonly Fact[] = [];
    const error = this.#attempt(() => {
      facts = this.#world.query(rule, trusted);
    }, rule);
    if (error !== undefined) throw error;
    return facts.map(({ name, terms }) => ({ name, terms: terms.map(fromTerm) }));
  }

  /**
   * The facts by their origin, for snapshots.
   *
   * @internal
   */
  get facts(): ReadonlyMap<Origin, readonly Fact[]> {
    const groups = new Map<Origin, Fact[]>();
    for (const { fact, origin } of this.#world.facts) getOrCreate(groups, origin, () => []).push(fact);
    return groups;
  }

  /**
   * What this evaluation was made of, for snapshots.
   *
   * @internal
   */
  get input(): EvaluationInput {
    return this.#input;
  }

  /** All facts, rules, checks and policies as text, for people and for tests. */
  dump(): WorldDump {
    const placed = [...this.#blocks, this.#authorizer];
    const statements = (print: (block: CompiledBlock) => string[]): BlockStatements[] =>
      placed.flatMap(({ block, index }) => {
        const lines = print(block).sort();
        return lines.length === 0 ? [] : [{ block: index, statements: lines }];
      });
    return {
      facts: [...this.facts].map(([origin, facts]) => ({
        origin: originBlocks(origin),
        facts: facts.map(printPredicate).sort(),
      })),
      rules: statements((block) => block.rules.map(({ source }) => printRule(source))),
      checks: statements((block) => block.checks.map(({ source }) => printCheck(source))),
      policies: this.#input.policies.map(({ source }) => printPolicy(source)),
    };
  }
}

/** A statement in which an expression failed. */
interface Statement extends Pick<ExpressionPlace, "block" | "statement" | "index"> {
  /** What its report costs: its rule, or its queries. */
  readonly rules: readonly Rule[];
  readonly print: () => string;
}

function statementAt(
  statement: Statement["statement"],
  block: number | undefined,
  index: number,
  rules: readonly Rule[],
  print: () => string,
): Statement {
  return { block, statement, index, rules, print };
}

const queryStatement = ({ source }: CompiledRule): Statement =>
  statementAt("query", undefined, 0, [source], () => printRule(source));

/** For each third party, the blocks that it signed. */
function keyOrigins(blocks: readonly TokenBlock[]): Map<string, Origin> {
  const origins = new Map<string, Origin>();
  for (const [i, { externalKey }] of blocks.entries()) {
    if (externalKey !== undefined) origins.set(externalKey, unite(origins.get(externalKey) ?? 0, blockOrigin(i)));
  }
  return origins;
}

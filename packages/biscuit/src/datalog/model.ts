import type { BinaryName, UnaryName } from "./operators.ts";
import type { Parameter, Term } from "./term.ts";

/** A name with terms: a fact, or a pattern in the body of a rule. */
export interface Predicate {
  readonly name: string;
  /** The terms, in order; at least one in text. */
  readonly terms: readonly Term[];
}

/** A statement that something holds: a {@link Predicate} without variables. */
export type Fact = Predicate;

/** One step of an expression, in postfix order as on the wire. */
export type Op =
  | { readonly kind: "value"; readonly term: Term }
  | { readonly kind: "unary"; readonly op: UnaryName; readonly extern?: string }
  | { readonly kind: "binary"; readonly op: BinaryName; readonly extern?: string }
  | { readonly kind: "closure"; readonly params: readonly string[]; readonly ops: readonly Op[] };

/** An expression in postfix order. */
export type Expression = readonly Op[];

/** Whose facts a rule or check sees beside its own: a key is its text, `ed25519/<hex>` or `secp256r1/<hex>`. */
export type Scope = "authority" | "previous" | { readonly key: string } | Parameter;

/** A rule; the queries of checks and policies have this shape too. */
export interface Rule {
  /** What a match derives; `query()` in checks and policies. */
  readonly head: Predicate;
  /** The predicates that must match facts, joined. */
  readonly body: readonly Predicate[];
  /** What must hold for a match, each in postfix order. */
  readonly expressions: readonly Expression[];
  /** Whose facts it sees; none for those of its block, or else of the authority and the authorizer. */
  readonly scopes: readonly Scope[];
}

/** How the queries of a check are judged. */
export type CheckKind = "check if" | "check all" | "reject if";

/** A condition that must hold; any one of its queries will do. */
export interface Check {
  /** How its queries are judged. */
  readonly kind: CheckKind;
  /** The alternatives, parted by `or`. */
  readonly queries: readonly Rule[];
}

/** What a matching policy means. */
export type PolicyKind = "allow" | "deny";

/** A verdict of the authorizer, used when one of its queries matches. */
export interface Policy {
  /** What a match means. */
  readonly kind: PolicyKind;
  /** The alternatives, parted by `or`. */
  readonly queries: readonly Rule[];
}

/** The Datalog content of a block. */
export interface BlockContent {
  /** What the block states. */
  readonly facts: readonly Fact[];
  /** What it derives. */
  readonly rules: readonly Rule[];
  /** What must hold. */
  readonly checks: readonly Check[];
  /** Whose facts its rules and checks see where they do not say. */
  readonly scopes: readonly Scope[];
  /** Free text for the application; no check can see it. */
  readonly context: string | undefined;
}

/** The Datalog content of an authorizer. */
export interface AuthorizerContent extends BlockContent {
  /** The policies, of which the first that matches decides. */
  readonly policies: readonly Policy[];
}

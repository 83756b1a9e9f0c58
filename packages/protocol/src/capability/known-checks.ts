import type { Check, Op, Rule } from "@countersign/biscuit";
import { isVariable, onlyKey, onlyTerms, onlyVariable, stringOf, variableOf } from "./tree.ts";

/** A check in one of the forms that capability tokens are made of. */
export type KnownCheck =
  | { readonly kind: "expiry"; readonly expiresAt: number }
  | { readonly kind: "actor"; readonly identity: string; readonly delegatable: boolean }
  | { readonly kind: "domain"; readonly domain: string }
  | { readonly kind: "prefix"; readonly prefix: string }
  | { readonly kind: "prefix_added"; readonly key: string }
  | { readonly kind: "party"; readonly component: string; readonly key: string }
  | { readonly kind: "designation"; readonly label: string; readonly value: string; readonly key: string | undefined }
  | { readonly kind: "activation"; readonly key: string }
  | { readonly kind: "right" }
  | { readonly kind: "exposure"; readonly label: string };

type Reader = (rule: Rule) => KnownCheck | undefined;

const isBinary = (op: Op | undefined, ...names: readonly string[]): boolean =>
  op?.kind === "binary" && names.includes(op.op);

/** `check if time($t), $t < 1800000000`: seconds on the wire. */
const expiry: Reader = (rule) => {
  const variable = onlyVariable(rule, "time");
  const [[left, right, less, ...more] = [], ...others] = rule.expressions;
  if (variable === undefined || others.length > 0 || more.length > 0) return undefined;
  if (!isVariable(left, variable) || !isBinary(less, "<") || right?.kind !== "value") return undefined;
  if (typeof right.term !== "number" && typeof right.term !== "bigint") return undefined;
  return { kind: "expiry", expiresAt: Number(right.term) * 1000 };
};

/** Whether these operations are `$a.starts_with(identity + ":")`. */
function startsBelow(op: Op | undefined, variable: string, identity: string): boolean {
  if (op?.kind !== "closure" || op.params.length > 0) return false;
  const [left, ...right] = op.ops;
  if (!isVariable(left, variable)) return false;
  if (right.length === 2) return stringOf(right[0]) === `${identity}:` && isBinary(right[1], "starts_with");
  const [name, colon, plus, starts, ...more] = right;
  const isSum = stringOf(name) === identity && stringOf(colon) === ":" && isBinary(plus, "+");
  return isSum && isBinary(starts, "starts_with") && more.length === 0;
}

/** `$a == "alice"`, alone or with `|| $a.starts_with("alice" + ":")`. */
const actor: Reader = (rule) => {
  const variable = onlyVariable(rule, "actor");
  const [[left, right, equals, below, or, ...more] = [], ...others] = rule.expressions;
  const identity = stringOf(right);
  if (variable === undefined || identity === undefined || others.length > 0 || more.length > 0) return undefined;
  if (!isVariable(left, variable) || !isBinary(equals, "==", "===")) return undefined;
  if (below === undefined) return { kind: "actor", identity, delegatable: false };
  if (!startsBelow(below, variable, identity) || !isBinary(or, "||")) return undefined;
  return { kind: "actor", identity, delegatable: true };
};

/** A check of one predicate of one term, such as `check if domain("corp")`. */
function single<Value>(name: string, isValue: (term: unknown) => term is Value): (rule: Rule) => Value | undefined {
  return (rule) => {
    const [term, ...others] = onlyTerms(rule, name) ?? [];
    return isValue(term) && others.length === 0 ? term : undefined;
  };
}

const isString = (term: unknown): term is string => typeof term === "string";
const isTrue = (term: unknown): term is true => term === true;
const isAny = (term: unknown): term is object => variableOf(term) !== undefined;

const domainOf = single("domain", isString);
const prefixOf = single("prefix", isString);
const prefixAddedOf = single("prefix_added", isTrue);
const namespaceOf = single("namespace", isString);
const activationOf = single("activation", isAny);
const exposureOf = single("exposure", isString);

const designation: Reader = (rule) => {
  const [label, value, ...others] = onlyTerms(rule, "designation") ?? [];
  if (!isString(label) || !isString(value) || others.length > 0) return undefined;
  return { kind: "designation", label, value, key: onlyKey(rule) };
};

/** `right` in a body with the resource, and the subject of authorization tokens. */
const right: Reader = ({ body }) =>
  body.length > 1 && body.some(({ name }) => name === "right") ? { kind: "right" } : undefined;

/** What may stand where the check trusts no key of its own. */
const OPEN: readonly Reader[] = [
  expiry,
  actor,
  right,
  (rule) => {
    const domain = domainOf(rule);
    return domain === undefined ? undefined : { kind: "domain", domain };
  },
  (rule) => {
    const prefix = prefixOf(rule);
    return prefix === undefined ? undefined : { kind: "prefix", prefix };
  },
  designation,
];

/** What may stand where the check trusts one key. */
function trusting(rule: Rule): KnownCheck | undefined {
  const key = onlyKey(rule);
  if (key === undefined) return undefined;
  if (prefixAddedOf(rule) !== undefined) return { kind: "prefix_added", key };
  if (activationOf(rule) !== undefined) return { kind: "activation", key };
  const component = namespaceOf(rule);
  return component === undefined ? designation(rule) : { kind: "party", component, key };
}

function exposure(rule: Rule): KnownCheck | undefined {
  const label = exposureOf(rule);
  return label === undefined ? undefined : { kind: "exposure", label };
}

/** Recognizes a check by its tree; `undefined` for one of another form, which binds all the same. */
export function knownCheck({ kind, queries: [rule, ...others] }: Check): KnownCheck | undefined {
  if (rule === undefined || others.length > 0) return undefined;
  if (kind === "reject if") return exposure(rule);
  if (kind !== "check if") return undefined;
  if (rule.scopes.length > 0) return trusting(rule);
  for (const read of OPEN) {
    const known = read(rule);
    if (known !== undefined) return known;
  }
  return undefined;
}

import type { Biscuit, PublicKey, Rule } from "@countersign/biscuit";
import type { CountersignError } from "../errors.ts";
import type { Component } from "./authorization-blocks.ts";
import { publicKeyOf } from "./inputs.ts";
import { refusal } from "./refusals.ts";
import { blockTrees, onlyKey, onlyVariable, variableOf } from "./tree.ts";

/** The chain that a verifier expects, and where in it the verifier stands. */
export interface ChainRequest {
  /** The services in their order. */
  readonly nodes: readonly Component[];
  /** The verifying service itself: those before it must have attested. @default all must have */
  readonly component?: string | undefined;
}

/** A service that must have attested. */
export interface Passed {
  readonly component: string;
  readonly key: PublicKey;
}

/**
 * The services that must have attested before a verifier.
 *
 * @throws {CountersignError} `invalid_public_key`; `service_chain_failed` for a component that is not in the chain.
 */
export function chainToPass(chain: ChainRequest | undefined): Passed[] {
  if (chain === undefined) return [];
  const { nodes, component } = chain;
  const passed = nodes.map((node) => ({ component: node.component, key: publicKeyOf(node.publicKey) }));
  if (component === undefined) return passed;
  const own = nodes.findIndex((node) => node.component === component);
  if (own >= 0) return passed.slice(0, own);
  throw refusal("service_chain_failed", { component, reason: "component_not_found" });
}

/** A service that a token names, as the rule `node($s, "orders") <- service($s) trusting <key>` has it. */
function serviceOf(rule: Rule): { readonly component: string; readonly key: string } | undefined {
  const [service, component, ...others] = rule.head.terms;
  const key = onlyKey(rule);
  const variable = onlyVariable(rule, "service");
  if (rule.head.name !== "node" || others.length > 0 || key === undefined || rule.expressions.length > 0) {
    return undefined;
  }
  if (variable === undefined || variableOf(service) !== variable || typeof component !== "string") return undefined;
  return { component, key };
}

/** The services that the authority of a token named, in their order. */
export function servicesOf(token: Biscuit): { readonly component: string; readonly key: string }[] {
  return (blockTrees(token)[0]?.rules ?? []).flatMap((rule) => serviceOf(rule) ?? []);
}

/** Why a service did not pass the token on. */
export function chainRefusal(token: Biscuit, missing: Passed | undefined): CountersignError {
  const component = missing?.component ?? "";
  const expected = missing?.key.toString() ?? "";
  const named = servicesOf(token).filter((service) => service.component === component);
  const other = named.find(({ key }) => key !== expected);
  if (other !== undefined && named.every(({ key }) => key !== expected)) {
    return refusal("service_chain_failed", { component, reason: "key_mismatch", expected, actual: other.key });
  }
  return refusal("service_chain_failed", { component, reason: "attestation_missing" });
}

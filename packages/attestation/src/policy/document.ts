import { isObject } from "../encoding/json.ts";
import type { AttestationPolicy } from "./policy.ts";

/** The members of a policy, as they are written in files. */
const MEMBERS: readonly string[] = [
  "measurements",
  "tcb_statuses",
  "advisories",
  "minimum_evaluation_number",
  "platforms",
  "attributes",
  "allow_debug",
  "max_age_ms",
  "collateral_grace_ms",
  "allow_missing_crl",
];

const LISTS: readonly string[] = ["measurements", "tcb_statuses", "platforms", "attributes"];
const FLAGS: readonly string[] = ["allow_debug", "allow_missing_crl"];

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

function checkMember(name: string, value: unknown): void {
  const isKnown = MEMBERS.includes(name);
  const isKind =
    (!LISTS.includes(name) || Array.isArray(value)) &&
    (!FLAGS.includes(name) || typeof value === "boolean") &&
    (name !== "advisories" || value === "any" || Array.isArray(value));
  if (!isKnown) throw new TypeError(`Cannot use the policy: it has no member ${name}`);
  if (!isKind) throw new TypeError(`Cannot use the policy: ${name} is of another kind`);
}

function measurement(value: unknown): object {
  if (!isObject(value)) throw new TypeError("Cannot use the policy: a measurement is no table");
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [camel(name), member]));
}

/**
 * Reads a policy from a file that was parsed, TOML or JSON: the members of {@link AttestationPolicy} in snake case.
 * `compilePolicy` judges the values.
 *
 * @throws {TypeError} for a member that is not known, or of another kind.
 * @example
 * readPolicyDocument({ measurements: [{ kind: "sgx", mr_enclave: "2f".repeat(32) }], tcb_statuses: ["UpToDate"] });
 */
export function readPolicyDocument(document: unknown): AttestationPolicy {
  if (!isObject(document)) throw new TypeError("Cannot use the policy: it is no table");
  const entries = Object.entries(document);
  for (const [name, value] of entries) checkMember(name, value);
  const { measurements } = document;
  const rules = Array.isArray(measurements) ? measurements.map(measurement) : [];
  const members = Object.fromEntries(entries.map(([name, value]) => [camel(name), value]));
  // The members were checked by name and kind; compilePolicy checks every value.
  return { ...members, measurements: rules as AttestationPolicy["measurements"] };
}

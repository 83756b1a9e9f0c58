import { type CheckOptions, checkEscalation } from "./check-escalation.ts";
import { checkExchange } from "./check-exchange.ts";
import { checkKeys, checkNeverMatching, checkPatterns, checkRepetition } from "./check-rules.ts";
import type { Policy } from "./compile.ts";
import { type Finding, findingTable } from "./finding.ts";

/**
 * Looks for what is probably not meant: sub-identities with more rights than whoever can become them, rules that never match
 * or say what others say, and keys that are missing.
 *
 * @example
 * for (const { at, message } of checkPolicy(policy)) console.log(at, message);
 */
export function checkPolicy(policy: Policy, options: CheckOptions = {}): readonly Finding[] {
  const found = [checkKeys, checkEscalation, checkNeverMatching, checkRepetition, checkPatterns, checkExchange].flatMap(
    (check) => check(policy, options),
  );
  return found.map((finding) => ({ severity: findingTable[finding.code], ...finding }));
}

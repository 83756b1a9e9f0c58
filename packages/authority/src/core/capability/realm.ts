import { CountersignError } from "@countersign/protocol";
import type { CapabilityCaller } from "./caller.ts";

/**
 * The realm that a caller speaks for: itself. A realm speaks by its certificate or by an identity token as it was issued: of
 * one that was narrowed to be sent, whoever saw it would make tokens that outlive it.
 *
 * @throws {CountersignError} `policy_refused`
 */
export function realmOf({ identity, realm, appended }: CapabilityCaller): string {
  if (realm !== undefined) throw refused(`${identity} is restricted to the realm ${realm}, and is none itself`);
  if (appended === true) throw refused("the identity token of the realm was delegated or narrowed");
  return identity;
}

/** The refusal of a realm to vouch for somebody who is not beneath it. */
export function refuseOutside(subject: string, realm: string): CountersignError {
  return refused(`${subject} is not beneath ${realm}`);
}

function refused(detail: string): CountersignError {
  return new CountersignError("policy_refused", { detail });
}

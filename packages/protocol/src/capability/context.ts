import type { Biscuit, KeyPair } from "@countersign/biscuit";
import { appendExternal } from "./append.ts";
import { exposureStatements, forkStatements } from "./context-blocks.ts";
import { checkNames } from "./inputs.ts";
import { type ContextContent, type MintOptions, signToken } from "./mint.ts";
import { type OpenOptions, openToken, type ShownToken } from "./open.ts";
import { refusal } from "./refusals.ts";
import { expirationOf, nowInSeconds } from "./times.ts";
import { verifyContext } from "./verify-context.ts";

/** How a context token is extended by its issuer. */
export type IssuerOptions = Omit<OpenOptions, "rootKey"> & MintOptions;

/** What a session was exposed to just now. */
export interface NewExposure {
  /** Where the data came from. */
  readonly source: string;
  /** One label each; what {@link compoundLabel} makes is one too. */
  readonly labels: readonly string[];
}

/**
 * The label of data that is what it is only by being together: distinct members, sorted, joined by `&`.
 *
 * @throws {CountersignError} `invalid_name` for a member that is no label.
 */
export function compoundLabel(members: readonly string[]): string {
  for (const member of members) {
    checkNames({ label: member });
    if (member.includes("&")) throw refusal("invalid_name", { name: "label", reason: "it holds the sign &" });
  }
  const label = [...new Set(members)].sort().join("&");
  checkNames({ label });
  return label;
}

/** A label is a compound of one member or more, in the one form that a compound has. */
function assertLabel(label: string): void {
  if (compoundLabel(label.split("&")) !== label) {
    throw refusal("invalid_name", {
      name: "label",
      reason: "the members of a compound label are not distinct and sorted",
    });
  }
}

/**
 * Records, as the issuer, what a session was exposed to. It cannot be taken away again.
 *
 * @throws {CountersignError} `invalid_name`, `token_signature`, `token_sealed` and their like.
 */
export async function addExposure(
  token: ShownToken,
  { source, labels }: NewExposure,
  issuer: KeyPair,
  options: Omit<IssuerOptions, "lifetimeMs" | "startAt" | "rootKeyId">,
): Promise<Biscuit> {
  checkNames({ source });
  for (const label of labels) assertLabel(label);
  const opened = await openToken(token, { ...options, rootKey: issuer.publicKey });
  return appendExternal(opened, exposureStatements(source, labels, nowInSeconds(options.clock)), options, issuer);
}

/**
 * Mints, as the issuer, a context that inherits what another was exposed to: for the session of a sub-agent.
 *
 * @throws {CountersignError} `token_expired` and its like when the other does not hold; `invalid_name`.
 */
export async function forkContext(
  token: ShownToken,
  { subject }: ContextContent,
  issuer: KeyPair,
  options: IssuerOptions,
): Promise<Biscuit> {
  checkNames({ subject });
  const parent = await verifyContext(token, {}, { ...options, rootKey: issuer.publicKey });
  const now = nowInSeconds(options.clock);
  return signToken(issuer, forkStatements(subject, parent, now, expirationOf(options)), options);
}

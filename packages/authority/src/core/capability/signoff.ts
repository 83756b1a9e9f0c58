import { CountersignError, defined } from "@countersign/protocol";
import {
  inspectToken,
  isCapabilityRefusal,
  type PendingAuthorization,
  publicKeyOf,
  signOff,
  type VerificationOptions,
  verifyPendingAuthorization,
} from "@countersign/protocol/capability";
import { isBeneath } from "../../policy/names.ts";
import type { CapabilityCaller } from "./caller.ts";
import type { CapabilityServices } from "./capability-services.ts";
import { type Allowed, permit } from "./decide.ts";
import { ownTokens, signoffSigner } from "./root-keys.ts";

/** A token that is to be signed off, and what for. */
export interface SignoffRequest {
  readonly token: string;
  readonly resource: string;
  readonly operation: string;
  readonly address?: string | undefined;
}

/** What is known of a token before it is signed off. */
interface Opened {
  readonly subject: string;
  readonly options: VerificationOptions;
  readonly pending: PendingAuthorization;
}

/**
 * Signs a token off as the component of this authority. Nothing is signed unless the token is of an issuer that is trusted,
 * holds but for signoffs, grants exactly what is asked, is the caller's or that of one beneath, waits for this component next,
 * and the policy of this authority allows its signoff.
 *
 * @throws {CountersignError} `unknown_root_key`, `rights_denied`, `token_expired` and the other refusals of tokens;
 * `policy_refused`; `signoff_missing` when another component comes first; `not_found` where this authority signs nothing off.
 */
export async function signToken(
  request: SignoffRequest,
  caller: CapabilityCaller,
  services: CapabilityServices,
): Promise<{ readonly token: string }> {
  const { component } = services.config.capability;
  if (component === undefined) {
    throw new CountersignError("not_found", {
      hint: "This authority signs no tokens off; it has no capability.component",
    });
  }
  const opened = await open(request, services);
  refuseStranger(caller, opened.subject);
  const signer = await signoffSigner(services);
  refuseOtherParty(opened.pending, component, signer.key.publicKey.toString());
  const { resource, operation } = request;
  const allowed = await permit({ kind: "signoff", subject: opened.subject, resource, operation }, services);
  const signed = await signOff(request.token, { component, key: signer.key }, opened.options);
  await record(request, { component, caller, allowed, opened }, services);
  return { token: signed.toBase64() };
}

async function open({ token, resource, operation }: SignoffRequest, services: CapabilityServices): Promise<Opened> {
  const options = await issuerOf(token, services);
  const inspected = await inspectToken(token, options);
  const rights = inspected.kind === "authorization" ? inspected.rights : [];
  // Without one that fits, the verification refuses it by what it grants.
  const right = rights.find((one) => one.resource === resource && one.operation === operation) ?? rights[0];
  const subject = right?.subject ?? "";
  const pending = await verifyPendingAuthorization(token, { subject, resource, operation }, options);
  return { subject, options, pending };
}

/** The root key that a token is signed with: one of this authority, or of a trusted issuer. */
async function issuerOf(token: string, services: CapabilityServices): Promise<VerificationOptions> {
  const own = ownTokens(services);
  const issuers = services.config.capability.issuers.map((key) => ({ ...own, rootKey: publicKeyOf(key) }));
  for (const options of [own, ...issuers]) {
    if (await isSignedUnder(token, options)) return options;
  }
  throw new CountersignError("unknown_root_key", {
    detail: "the token is signed by no root key of this authority or of capability.issuers",
  });
}

async function isSignedUnder(token: string, options: VerificationOptions): Promise<boolean> {
  try {
    await inspectToken(token, options);
    return true;
  } catch (error) {
    if (isCapabilityRefusal(error) && underOtherKeys.has(error.code)) return false;
    throw error;
  }
}

const underOtherKeys: ReadonlySet<string> = new Set(["token_signature", "unknown_root_key"]);

/** A holder has its own tokens signed off, and those of the sub-identities it has delegated to. */
function refuseStranger({ identity }: CapabilityCaller, subject: string): void {
  if (subject === identity || isBeneath(subject, identity)) return;
  throw new CountersignError("identity_mismatch", { detail: `the token is ${subject}'s, and ${identity} asks` });
}

/** The components of a token sign in its order, so that each one can rely on those before it. */
function refuseOtherParty({ missing }: PendingAuthorization, component: string, publicKey: string): void {
  const at = missing.findIndex((party) => party.component === component && party.publicKey === publicKey);
  if (at < 0) {
    throw new CountersignError("invalid_request", {
      hint: "The token does not wait for the signoff of this authority",
      detail: `the token waits for no signoff of ${component} with ${publicKey}`,
    });
  }
  const [first] = missing;
  if (at === 0 || first === undefined) return;
  throw new CountersignError("signoff_missing", { detail: `${first.component} signs off before ${component}` });
}

interface Signed {
  readonly component: string;
  readonly caller: CapabilityCaller;
  readonly allowed: Allowed;
  readonly opened: Opened;
}

function record(
  { resource, operation, address }: SignoffRequest,
  { component, caller, allowed, opened: { subject, pending } }: Signed,
  { audit }: Pick<CapabilityServices, "audit">,
): Promise<void> {
  const [revocationId = ""] = pending.verified.token.normalizedRevocationIds;
  return audit.record("capability.signed", {
    ...{ component, subject, resource, operation, revocationId, rule: allowed.rule },
    ...defined({ caller: caller.identity === subject ? undefined : caller.identity, address }),
  });
}

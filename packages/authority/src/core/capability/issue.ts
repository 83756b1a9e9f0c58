import { CountersignError, defined } from "@countersign/protocol";
import {
  type AuthorizationContent,
  type IdentityContent,
  mintAuthorization,
  mintIdentity,
} from "@countersign/protocol/capability";
import type { EventFields } from "../../audit/events.ts";
import type { Services } from "../../services.ts";
import { rootSigner } from "./root-keys.ts";

/** A capability token that was issued. */
export interface IssuedCapability {
  /** URL-safe base64. */
  readonly token: string;
  readonly lifetimeMs: number;
  /** Of its authority block: who revokes it revokes all that was made of the token. */
  readonly revocationId: string;
}

/** What the audit record says of a token beside what the token says. */
export interface IssueContext {
  /** Who asked for it, where that is not the subject. */
  readonly caller?: string;
  /** The rule of the policy that allows it. */
  readonly rule?: string;
  /** The operator who issued it. */
  readonly actor?: string;
  readonly address?: string | undefined;
}

/** An order for a token: what it says, for how long, and what is recorded of it. */
export interface Order<Content> {
  readonly content: Content;
  /** Whole seconds, in milliseconds; {@link MAX_LIFETIME_MS} at most. */
  readonly lifetimeMs: number;
  readonly context: IssueContext;
}

/** The root key of a token stays in the ring for so long after it has signed its last one. */
const MAX_LIFETIME_MS = 86_400_000;

/**
 * The life of a token: what a policy allows, or less where less is asked for, in whole seconds.
 *
 * @throws {CountersignError} `invalid_request` when none at all is asked for.
 */
export function lifetimeOf(allowedSeconds: number, askedSeconds: number | undefined): number {
  if (askedSeconds !== undefined && askedSeconds < 1) {
    throw new CountersignError("invalid_request", { hint: "The duration must be one second or more" });
  }
  return Math.min(allowedSeconds * 1000, (askedSeconds ?? Number.POSITIVE_INFINITY) * 1000, MAX_LIFETIME_MS);
}

type IssueServices = Pick<Services, "keys" | "config" | "clock" | "audit">;

/**
 * Mints an identity token and records it. The token leaves when its record is durable.
 *
 * @throws {CountersignError} `invalid_name`; `temporarily_unavailable`.
 */
export function issueIdentity(
  { content, lifetimeMs, context }: Order<IdentityContent>,
  services: IssueServices,
): Promise<IssuedCapability> {
  const { subject, domain } = content;
  return issue({ kind: "identity", subject, ...defined({ domain }) }, { lifetimeMs, context }, services, (signer) =>
    mintIdentity(signer.key, content, { clock: services.clock, lifetimeMs, rootKeyId: signer.rootKeyId }),
  );
}

/**
 * Mints an authorization token and records it. The token leaves when its record is durable.
 *
 * @throws {CountersignError} `invalid_name`, `invalid_public_key`; `temporarily_unavailable`.
 */
export function issueAuthorization(
  { content, lifetimeMs, context }: Order<AuthorizationContent>,
  services: IssueServices,
): Promise<IssuedCapability> {
  const { subject, resource, operation, prefixKey } = content;
  const kind = prefixKey === undefined ? "authorization" : "stub";
  return issue({ kind, subject, resource, operation }, { lifetimeMs, context }, services, (signer) =>
    mintAuthorization(signer.key, content, { clock: services.clock, lifetimeMs, rootKeyId: signer.rootKeyId }),
  );
}

type Said = Omit<EventFields["capability.issued"], "revocationId">;
type Mint = (signer: Awaited<ReturnType<typeof rootSigner>>) => ReturnType<typeof mintIdentity>;

/** Signs before it records: the record names the token by its signature, and another token has none of its own. */
async function issue(
  said: Said,
  { lifetimeMs, context }: Omit<Order<unknown>, "content">,
  services: IssueServices,
  mint: Mint,
): Promise<IssuedCapability> {
  const minted = await mint(await rootSigner(services));
  const [revocationId = ""] = minted.normalizedRevocationIds;
  const { caller, rule, actor, address } = context;
  const about = defined({ caller: caller === said.subject ? undefined : caller, rule, actor, address });
  await services.audit.record("capability.issued", { ...said, revocationId, ...about });
  return { token: minted.toBase64(), lifetimeMs, revocationId };
}

import { CountersignError, defined, type Problem } from "@countersign/protocol";
import { checkPolicy } from "../../policy/check.ts";
import { compilePolicy, type Policy } from "../../policy/compile.ts";
import { diffPolicies } from "../../policy/diff.ts";
import { DOCUMENT_FORMAT } from "../../policy/document.ts";
import type { TokenKind } from "../../policy/kinds.ts";
import { PolicyError, placeOf, readPolicy } from "../../policy/read.ts";
import type { PolicyRequest } from "../../policy/request.ts";
import type { ChangeOptions } from "../../policy-store/policy-service.ts";
import type { Services } from "../../services.ts";
import { SUPERUSER } from "../../values/scope.ts";
import { type Precondition, preconditionOf } from "../if-match.ts";
import type { Call } from "../route.ts";
import type { Actor } from "./actor.ts";

/** The header field of changes, for the OpenAPI document. */
export const ifMatch = {
  "If-Match": "The ETag of the policy that is to be changed, as GET gave it: another one is refused with 412",
};

interface Change extends Call {
  readonly actor: Actor;
  readonly query: { readonly force?: string };
}

/**
 * How a policy is to be changed: by whom, in place of which revision, and so that its author can change it again.
 *
 * @throws {CountersignError} `precondition_failed`, and `precondition_required` where the revision must be named and is not.
 */
export async function changeOptions(call: Change, { mustBeNamed = false } = {}): Promise<ChangeOptions> {
  const { actor, query, services, request } = call;
  const latest = await services.policy.latest();
  const isThere = latest?.document !== undefined;
  const precondition = preconditionOf(request);
  if (mustBeNamed && isThere && !precondition.isGiven) throw new CountersignError("precondition_required");
  const expectedRevision = expected(precondition, isThere ? latest.revision : undefined, latest?.revision ?? 0);
  const keeping = query.force === "true" ? undefined : await ownSuperuser(actor, services);
  return { actor: actor.name, ...defined({ expectedRevision, keeping }) };
}

function expected({ isGiven, fits }: Precondition, shown: number | undefined, revision: number): number | undefined {
  if (!isGiven) return undefined;
  if (!fits(shown === undefined ? undefined : `"${shown}"`)) throw new CountersignError("precondition_failed");
  return revision;
}

type Own = Pick<Services, "users" | "clients" | "config">;

/** That whoever changes the policy gets a token to change it again. */
async function ownSuperuser({ userId, clientId }: Actor, services: Own): Promise<PolicyRequest> {
  const user = userId === undefined ? undefined : await services.users.byId(userId);
  const client = await services.clients.byId(clientId);
  const audience = services.config.issuer;
  const roles = (user ?? client)?.scopes ?? [];
  return { kind: "access_token", subject: userId ?? clientId, roles, client: clientId, scope: SUPERUSER, audience };
}

/** Other requests wait meanwhile: a comparison takes no longer than about a tenth of a second. */
const MAX_COMPARED = 2000;
const MAX_SHOWN = 500;

/** The most faults that a response names. */
const MAX_PROBLEMS = 200;

/**
 * Reads a document and looks for what is probably not meant.
 *
 * @throws {CountersignError} `invalid_policy` with every fault.
 */
export function checkDocument(document: object) {
  const policy = compiled(document);
  const findings = checkPolicy(policy, { atMost: MAX_COMPARED }).map(({ code, severity, at, message }) => ({
    code,
    severity,
    at,
    message,
  }));
  return { policy, findings };
}

function compiled(document: object): Policy {
  try {
    return compilePolicy(readPolicy(document));
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    const problems = error.faults.map(({ path, message }): Problem => ({ path: placeOf(path), message }));
    const places = problems.length === 1 ? "one place" : `${problems.length} places`;
    throw new CountersignError("invalid_policy", {
      hint: `The policy document is wrong in ${places}; its problems say how to mend it`,
      detail: error.message,
      problems: problems.slice(0, MAX_PROBLEMS),
    });
  }
}

/** What would come of a document, without setting it. */
export async function tryDocument(document: object, { policy: service }: Pick<Services, "policy">) {
  const { policy, findings } = checkDocument(document);
  const { policy: before = noDocument() } = await service.current();
  const diff = diffPolicies(before, policy, { atMost: MAX_COMPARED });
  const { rules, decisions } = diff;
  return {
    version: policy.version,
    hash: policy.hash,
    findings,
    diff: {
      rules: rules.slice(0, MAX_SHOWN),
      decisions: decisions.slice(0, MAX_SHOWN).map(({ change, subject, what }) => ({ change, subject, what })),
      compared: diff.compared,
      is_partial: diff.isPartial || rules.length > MAX_SHOWN || decisions.length > MAX_SHOWN,
    },
  };
}

/** The document that says what is so without any. */
function noDocument(): Policy {
  return compilePolicy(readPolicy({ format: DOCUMENT_FORMAT, version: 1 }));
}

/** What is asked, as the body of a request spells it. */
export interface AskedBody {
  readonly kind: TokenKind;
  readonly subject: string;
  readonly roles?: readonly string[] | undefined;
  readonly realm?: string | undefined;
  readonly client?: string | undefined;
  readonly delegated_from?: string | undefined;
  readonly scope?: string | undefined;
  readonly audience?: string | undefined;
  readonly resource?: string | undefined;
  readonly operation?: string | undefined;
}

/**
 * The request that a body asks about. Without roles the subject has those of its record, as a token request would.
 *
 * @throws {CountersignError} `invalid_request` where it is not said what is asked for.
 */
export async function askedOf(body: AskedBody, services: Pick<Services, "users" | "clients">): Promise<PolicyRequest> {
  const { subject, realm, client, delegated_from: delegatedFrom, scope, audience, resource, operation } = body;
  const roles = body.roles ?? (await rolesOf(subject, services));
  const asking = { subject, ...defined({ roles, realm, client, delegatedFrom }) };
  const { kind } = body;
  if (kind === "identity") return { kind, ...asking };
  if (kind === "access_token" && scope !== undefined) return { kind, ...asking, scope, ...defined({ audience }) };
  if (kind !== "access_token" && resource !== undefined && operation !== undefined) {
    return { kind, ...asking, resource, operation };
  }
  throw new CountersignError("invalid_request", {
    hint: kind === "access_token" ? "Name the scope" : "Name resource and operation",
  });
}

async function rolesOf(subject: string, { users, clients }: Pick<Services, "users" | "clients">) {
  return ((await users.byId(subject)) ?? (await clients.byId(subject)))?.scopes;
}

import { type ActorClaim, defined, isJsonObject, type JsonObject, type JsonValue } from "@countersign/protocol";
import type { Caller } from "../caller.ts";
import { type PresentedToken, refusedToken } from "./presented.ts";

/** Who acts with a token, and who alone may. */
export interface Acting {
  readonly actor?: ActorClaim;
  readonly mayAct?: JsonObject;
}

/** What decides who may act. */
export interface ActingRules {
  /** Our issuer identifier. */
  readonly issuer: string;
  /** How many actors a token may name, one inside the other. */
  readonly maxActors: number;
}

/**
 * Who acts for the subject of a token: the subject of the actor token, before whoever acted until then, nested as RFC 8693
 * section 4.1 has it. Without an actor token that stays as it is, as does who alone may act (section 4.4).
 *
 * @throws {CountersignError} `invalid_request` for an actor that may not, that is itself the subject or acted for, or that
 * would be one too many.
 */
export function actingFor(
  subject: PresentedToken,
  actor: PresentedToken | undefined,
  caller: Caller,
  rules: ActingRules,
): Acting {
  checkMayAct(subject, actor, caller, rules);
  const names = subject.issuer === rules.issuer ? {} : { iss: subject.issuer };
  const { act, may_act: mayAct } = subject.claims;
  const kept = isJsonObject(mayAct) ? { mayAct: { ...names, ...mayAct } } : {};
  const left = actor === undefined ? rules.maxActors : rules.maxActors - 1;
  const before = act === undefined ? undefined : soundActor(act, left, names);
  if (act !== undefined && before === undefined) {
    throw refusedToken("subject_token", `its act is malformed, or names more than ${left} actors`);
  }
  const now = actor === undefined ? before : claimOf(actor, subject, before, rules);
  return now === undefined ? kept : { ...kept, actor: now };
}

function claimOf(
  actor: PresentedToken,
  subject: PresentedToken,
  before: ActorClaim | undefined,
  { issuer }: ActingRules,
): ActorClaim {
  if (actor.claims.act !== undefined) throw refusedToken("actor_token", "somebody acts for its subject already (act)");
  if (actor.issuer === subject.issuer && actor.subject === subject.subject) {
    throw refusedToken("actor_token", "it is about the subject itself");
  }
  const { subject: sub } = actor;
  return { ...(actor.issuer === issuer ? {} : { iss: actor.issuer }), sub, ...defined({ act: before }) };
}

/**
 * Each actor by its name, and no deeper than is allowed; `undefined` for anything else. A name without issuer is one of the
 * token's issuer, which a token of ours has to say.
 */
function soundActor(value: JsonValue, left: number, names: { readonly iss?: string }): ActorClaim | undefined {
  if (left <= 0 || !isJsonObject(value)) return undefined;
  const { sub, iss, act } = value;
  if (typeof sub !== "string" || sub === "" || (iss !== undefined && typeof iss !== "string")) return undefined;
  const before = act === undefined ? undefined : soundActor(act, left - 1, names);
  if (act !== undefined && before === undefined) return undefined;
  return { ...names, ...defined({ iss }), sub, ...defined({ act: before }) };
}

/**
 * RFC 8693 section 4.4: who acts must be whom `may_act` names. Where no actor token says who that is, it is the client that
 * asks. A name without issuer is one of the issuer of the token.
 */
function checkMayAct(
  subject: PresentedToken,
  actor: PresentedToken | undefined,
  { client, confidential }: Caller,
  { issuer }: ActingRules,
): void {
  const { may_act: named } = subject.claims;
  if (!isJsonObject(named)) return;
  const { clientId } = client;
  const acting =
    actor === undefined
      ? { iss: issuer, ...(confidential ? { sub: clientId, client_id: clientId } : {}) }
      : { ...actor.claims, iss: actor.issuer, sub: actor.subject };
  const wanted = Object.entries({ iss: subject.issuer, ...named });
  const known: ReadonlyMap<string, JsonValue | undefined> = new Map(Object.entries(acting));
  const isNamed = Object.keys(named).some((name) => name !== "iss");
  if (isNamed && wanted.every(([name, value]) => typeof value === "string" && known.get(name) === value)) return;
  throw refusedToken(actor === undefined ? "subject_token" : "actor_token", "its may_act names somebody else");
}

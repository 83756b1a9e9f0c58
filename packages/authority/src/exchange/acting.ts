import { type ActorClaim, isJsonObject, type JsonObject, type JsonValue } from "@countersign/protocol";
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
  const { act: before, may_act: mayAct } = subject.claims;
  const kept = isJsonObject(mayAct) ? { mayAct } : {};
  const now = actor === undefined ? before : claimOf(actor, subject, before, rules);
  if (now === undefined) return kept;
  const claim = soundActor(now, rules.maxActors);
  if (claim === undefined) {
    throw refusedToken("subject", `its act is malformed, or names more than ${rules.maxActors} actors`);
  }
  return { ...kept, actor: claim };
}

function claimOf(
  actor: PresentedToken,
  subject: PresentedToken,
  before: JsonValue | undefined,
  { issuer }: ActingRules,
): JsonObject {
  if (actor.claims.act !== undefined) throw refusedToken("actor", "somebody acts for its subject already (act)");
  if (actor.issuer === subject.issuer && actor.subject === subject.subject) {
    throw refusedToken("actor", "it is about the subject itself");
  }
  const { subject: sub } = actor;
  return {
    ...(actor.issuer === issuer ? {} : { iss: actor.issuer }),
    sub,
    ...(before === undefined ? {} : { act: before }),
  };
}

/** Each actor as a name in its issuer's words, and no deeper than is allowed; `undefined` for anything else. */
function soundActor(value: JsonValue, left: number): ActorClaim | undefined {
  if (left <= 0 || !isJsonObject(value)) return undefined;
  const { sub, iss, act } = value;
  if (typeof sub !== "string" || sub === "" || (iss !== undefined && typeof iss !== "string")) return undefined;
  const before = act === undefined ? undefined : soundActor(act, left - 1);
  if (act !== undefined && before === undefined) return undefined;
  return { ...(iss === undefined ? {} : { iss }), sub, ...(before === undefined ? {} : { act: before }) };
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
  throw refusedToken(actor === undefined ? "subject" : "actor", "its may_act names somebody else");
}

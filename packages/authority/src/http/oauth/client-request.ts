import { CountersignError, defined } from "@countersign/protocol";
import type { Caller, ClientCredentials, Peer } from "../../caller.ts";
import { type AuthenticationServices, authenticateCaller } from "../../core/client-authentication.ts";
import type { Services } from "../../services.ts";
import { readText } from "../body.ts";
import { decode, type Form, parseForm, requireFormType } from "../form.ts";
import type { HttpRequest } from "../message.ts";

const BASIC_SCHEME = /^basic +([A-Za-z0-9+/]+={0,2})$/i;

/** Authenticates the client of a form request, at the token, introspection and revocation endpoints alike. */
export async function callerOf(
  request: HttpRequest,
  form: Form,
  peer: Peer,
  services: AuthenticationServices,
): Promise<Caller> {
  return authenticateCaller(credentialsOf(request.headers.get("authorization"), form), peer, services);
}

/**
 * Reads the form of an OAuth endpoint.
 *
 * @throws {CountersignError} `invalid_request` when parameters stand in the query, where they end up in logs
 * (RFC 6749 section 2.3.1).
 */
export async function readForm(request: HttpRequest, { config }: Pick<Services, "config">): Promise<Form> {
  if (request.url.includes("?")) {
    throw new CountersignError("invalid_request", { hint: "Send parameters in the body, never in the URL" });
  }
  requireFormType(request.headers.get("content-type"));
  return parseForm(await readText(request, config.limits.body_bytes));
}

function credentialsOf(authorization: string | null, { single }: Form): ClientCredentials {
  return {
    ...(authorization === null ? {} : { basic: parseBasicCredentials(authorization) }),
    ...defined({
      clientId: single.get("client_id"),
      secret: single.get("client_secret"),
      assertionType: single.get("client_assertion_type"),
      assertion: single.get("client_assertion"),
    }),
  };
}

/** The client id and secret of an Authorization header. RFC 6749 section 2.3.1: both halves are form-encoded before they are joined. */
export function parseBasicCredentials(authorization: string): { clientId: string; secret: string } {
  const encoded = BASIC_SCHEME.exec(authorization)?.[1];
  const text = encoded === undefined ? "" : Buffer.from(encoded, "base64").toString();
  const colon = text.indexOf(":");
  if (colon < 1) throw new CountersignError("invalid_client", { detail: "malformed Authorization header" });
  try {
    return { clientId: decode(text.slice(0, colon)), secret: decode(text.slice(colon + 1)) };
  } catch (cause) {
    throw new CountersignError("invalid_client", { detail: "malformed Basic credentials", cause });
  }
}

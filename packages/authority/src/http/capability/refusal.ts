import type { CountersignError, ErrorCode } from "@countersign/protocol";
import { type CapabilityPath, isCapabilityRefusal } from "@countersign/protocol/capability";
import { refusal } from "../error-response.ts";
import type { HttpResponse } from "../message.ts";
import { json } from "../response.ts";

/** What a refusal is about, for its words. */
export interface RefusedMessage {
  readonly path: CapabilityPath;
  /** The resource that was asked for; absent where the message could not be read. */
  readonly resource?: string | undefined;
}

/** The status and the words of a refusal, where an endpoint has some of its own. */
interface Words {
  readonly status: number;
  readonly message: string;
}

type Wording = (error: CountersignError, refused: RefusedMessage) => Words | undefined;

const unreadable: Wording = ({ code, message, data }) => {
  if (code !== "invalid_request" || typeof data?.path !== "string") return undefined;
  return { status: 422, message };
};

const denied: Wording = ({ code, message }, { resource }) =>
  code === "policy_refused"
    ? { status: 401, message: resource === undefined ? message : `Unauthorized or unknown resource: ${resource}` }
    : undefined;

const badToken =
  (what: string): Wording =>
  (error) => {
    if (error.code === "token_malformed") return { status: 400, message: "Invalid token format" };
    if (!isCapabilityRefusal(error)) return undefined;
    if (isCapabilityRefusal(error, "service_chain_failed") && error.data.reason === "component_not_found") {
      return { status: 401, message: `${what}: Component '${error.data.component}' not found in service chain` };
    }
    return { status: 401, message: `${what}: ${error.message}` };
  };

/** The words of the endpoints whose clients look for them. */
const wordings: Partial<Record<CapabilityPath, Wording>> = {
  "/request_token": denied,
  "/verify_token": badToken("Invalid token"),
  "/verify_service_chain_token": badToken("Invalid service chain token"),
};

/** What clients find null where they were refused. */
const nulls: Partial<Record<CapabilityPath, Readonly<Record<string, null>>>> = {
  "/request_token": { token: null },
  "/sign_token": { signed_token: null },
  "/request_identity_token": { token: null },
  "/refresh_identity_token": { token: null },
  "/mint_identity_token": { token: null },
  "/request_stub": { token: null },
};

/** RFC 9110 section 11.6.1: a 401 has a challenge. Who showed no token is told of no error (RFC 6750 section 3.1). */
const UNASKED = 'Bearer realm="countersign"';

const aboutIdentity: ReadonlySet<ErrorCode> = new Set(["unauthenticated", "policy_refused"]);

/** A refusal in the words of the capability endpoints: `response_msg` says what happened, beside the members of all refusals. */
export function capabilityRefusal(error: CountersignError, refused: RefusedMessage): HttpResponse {
  const { status = error.status, message = error.message } =
    unreadable(error, refused) ?? wordings[refused.path]?.(error, refused) ?? {};
  const { headers } = refusal(error);
  const body = {
    response_msg: message,
    ...nulls[refused.path],
    error: error.error,
    error_description: error.message,
    message: error.message,
  };
  const challenge = aboutIdentity.has(error.code) ? UNASKED : 'Bearer error="invalid_token"';
  return json(body, status, { ...headers, ...(status === 401 ? { "www-authenticate": challenge } : {}) });
}

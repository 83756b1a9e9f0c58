import { count, listOf, MESSAGE, object, optional, type Read, text } from "./message.ts";

/** A party that has yet to sign off, and where it does. */
const signoffInfo = object({
  /** The name of the party, as the token has it. */
  component: text,
  /** Host and port, with or without a scheme and a path. */
  authorization_service: text,
  /** Key text, `ed25519/…`. */
  public_key: text,
});

const issuedIdentity = object({
  response_msg: text,
  token: optional(text),
  /** Seconds. */
  expires_in: optional(count),
  identity: optional(text),
});

/** A root key, by the id that tokens name it by. */
const rootKey = object({
  root_key_id: count,
  /** Key text, `ed25519/…`. */
  public_key: text,
});

const nothing = object({});
const judged = object({ response_msg: text });

/**
 * Every endpoint for capability tokens, with its method and the shapes of its messages: an absent member and a null one say
 * the same, members that are not named are ignored. A refusal has `response_msg` too.
 */
export const capabilityEndpoints = {
  "/public_key": {
    method: "GET",
    request: nothing,
    // The original has the one key; an authority whose keys rotate names each of which there are tokens.
    response: object({ response_msg: text, public_key: text, public_keys: optional(listOf(rootKey)) }),
  },
  "/ca_cert": { method: "GET", request: nothing, response: object({ response_msg: text, ca_cert_pem: text }) },
  "/request_token": {
    method: "POST",
    request: object({ resource: text, operation: text, domain: optional(text) }),
    response: object({
      response_msg: text,
      token: optional(text),
      pending_signoffs: optional(listOf(signoffInfo)),
    }),
  },
  "/verify_token": {
    method: "POST",
    request: object({ token: text, subject: text, resource: text, operation: text }),
    response: judged,
  },
  "/verify_service_chain_token": {
    method: "POST",
    // The Rust client sends no operation.
    request: object({
      token: text,
      subject: text,
      resource: text,
      operation: optional(text),
      component: optional(text),
    }),
    response: judged,
  },
  "/sign_token": {
    method: "POST",
    request: object({ token: text, resource: text, operation: text }),
    response: object({ response_msg: text, signed_token: optional(text) }),
  },
  "/request_identity_token": {
    method: "POST",
    request: object({ identifier: optional(text) }),
    response: issuedIdentity,
  },
  "/refresh_identity_token": {
    method: "POST",
    request: object({ current_token: text, identifier: optional(text) }),
    response: issuedIdentity,
  },
  "/mint_identity_token": {
    method: "POST",
    request: object({ subject: text, duration: optional(count) }),
    response: issuedIdentity,
  },
  "/request_stub": {
    method: "POST",
    request: object({
      target_identity: text,
      resource: text,
      operation: text,
      prefix_attenuator_key: text,
      duration: optional(count),
    }),
    response: object({
      response_msg: text,
      token: optional(text),
      expires_in: optional(count),
      target_identity: optional(text),
      prefix_attenuator_key: optional(text),
    }),
  },
  "/health": { method: "GET", request: nothing, response: object({ status: text, version: text }) },
} as const;

/** The path of an endpoint for capability tokens. */
export type CapabilityPath = keyof typeof capabilityEndpoints;

/** What is sent to an endpoint, as it was read. */
export type CapabilityMessage<Path extends CapabilityPath> = Read<(typeof capabilityEndpoints)[Path]["request"]>;

/** What an endpoint answers. */
export type CapabilityResponse<Path extends CapabilityPath> = Read<(typeof capabilityEndpoints)[Path]["response"]>;

/** A party that has yet to sign off, as a response of `/request_token` names it. */
export type SignoffInfo = Read<typeof signoffInfo>;

/**
 * Reads what was sent to an endpoint.
 *
 * @throws {CountersignError} `invalid_request`; its detail and data name the member.
 */
export function readCapabilityMessage<Path extends CapabilityPath>(
  path: Path,
  value: unknown,
): CapabilityMessage<Path> {
  // The reader of this very path.
  return capabilityEndpoints[path].request(value, MESSAGE) as CapabilityMessage<Path>;
}

/**
 * Reads what an endpoint answered.
 *
 * @throws {CountersignError} `invalid_request`; its detail and data name the member.
 */
export function readCapabilityResponse<Path extends CapabilityPath>(
  path: Path,
  value: unknown,
): CapabilityResponse<Path> {
  // The reader of this very path.
  return capabilityEndpoints[path].response(value, MESSAGE) as CapabilityResponse<Path>;
}

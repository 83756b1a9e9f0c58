import { z } from "zod";

/** The messages of the capability endpoints, for the OpenAPI document; they are read by `readCapabilityMessage`. */
const message = z.string().describe("What happened, in words");
const key = z.string().describe("ed25519/ and 64 hexadecimal digits, or secp256r1/ and 66");
const seconds = z.number().int().min(0);

const signoff = z.object({
  component: z.string(),
  authorization_service: z.string().describe("Where its signoff is asked for"),
  public_key: key,
});

const identityResponse = z.object({
  response_msg: message,
  token: z.string(),
  expires_in: seconds,
  identity: z.string().describe("Whom the token stands for"),
});

export const identityTokenResponse = identityResponse;

export const shapes = {
  publicKey: z.object({
    response_msg: message,
    public_key: z.string().describe("The key that new tokens are signed with: SPKI, PEM"),
    public_keys: z
      .array(z.object({ root_key_id: z.number().int(), public_key: key }))
      .describe("Every key that a token may be signed with; the one that signs now is the first"),
    signoff: z
      .object({ component: z.string(), public_key: key })
      .optional()
      .describe("What this authority signs off as, and the key that policies name for it"),
  }),
  caCert: z.object({ response_msg: message, ca_cert_pem: z.string() }),
  right: z.object({
    resource: z.string(),
    operation: z.string(),
    domain: z.string().nullish().describe("The realm that the identity token must be restricted to"),
  }),
  token: z.object({ response_msg: message, token: z.string(), pending_signoffs: z.array(signoff).optional() }),
  question: z.object({ token: z.string(), subject: z.string(), resource: z.string(), operation: z.string() }),
  chainQuestion: z.object({
    token: z.string(),
    subject: z.string(),
    resource: z.string(),
    operation: z.string().nullish().describe("What the token itself grants when absent"),
    component: z.string().nullish().describe("The service that asks: those before it must have attested"),
  }),
  judged: z.object({ response_msg: message }),
  signing: z.object({ token: z.string(), resource: z.string(), operation: z.string() }),
  signed: z.object({ response_msg: message, signed_token: z.string() }),
  identity: z.object({ identifier: z.string().nullish() }),
  refresh: z.object({ current_token: z.string(), identifier: z.string().nullish() }),
  realmIdentity: z.object({ subject: z.string(), duration: seconds.nullish() }),
  issuedIdentity: identityResponse,
  stub: z.object({
    target_identity: z.string(),
    resource: z.string(),
    operation: z.string(),
    prefix_attenuator_key: key,
    duration: seconds.nullish(),
  }),
  issuedStub: z.object({
    response_msg: message,
    token: z.string(),
    expires_in: seconds,
    target_identity: z.string(),
    prefix_attenuator_key: key,
  }),
  health: z.object({ status: z.string(), version: z.string() }),
} as const;

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { KeyPair } from "@countersign/biscuit";
import {
  type CapabilityPath,
  type CapabilityResponse,
  capabilityEndpoints,
  readCapabilityResponse,
} from "@countersign/protocol/capability";
import type { Connection } from "../../src/caller.ts";
import type { ConfigInput } from "../../src/config.ts";
import type { PolicyInput } from "../../src/policy/document.ts";
import {
  readResponse,
  TEST_ISSUER,
  type TestAuthority,
  type TestAuthorityOptions,
  testAuthority,
} from "../../src/testing.ts";
import { type CertificateWishes, certificate } from "../node/certificates.ts";

/** The keys of services and parties, the same in every run of a test file. */
export const [gateway, ledger, finance] = await Promise.all([
  KeyPair.generate(),
  KeyPair.generate(),
  KeyPair.generate("secp256r1"),
]);

/** Whom the tests ask as. */
export const alice = "urn:example:alice";
export const bob = "urn:example:bob";
export const shop = "urn:example:shop";

/** Who may do what in the tests. */
export const policy: PolicyInput = {
  format: "countersign-policy/1",
  version: 1,
  roles: { member: {} },
  subjects: [
    { id: alice, delegation: true },
    { id: `${alice}:agent1` },
    { id: bob },
    { id: shop },
    { id: "worker-1.internal.example" },
    { id: "uri:urn:test:argo-cli0", delegation: true },
  ],
  realms: [{ id: shop, roles: ["member"] }],
  components: { gateway: { public_key: gateway.publicKey.toString() } },
  resources: {
    orders: {},
    invoices: {
      chain: ["gateway", { component: "ledger", public_key: ledger.publicKey.toString() }],
    },
    payments: {
      signoffs: [
        {
          component: "finance",
          public_key: finance.publicKey.toString(),
          authorization_service: "https://finance.example:8443",
        },
      ],
    },
  },
  rules: [
    {
      id: "alice",
      subjects: [alice, "uri:urn:test:argo-cli0"],
      resources: ["orders", "invoices", "payments"],
      operations: ["read", "write"],
    },
    { id: "agent", subjects: [`${alice}:agent1`], resources: ["orders"], operations: ["read"] },
    { id: "members", roles: ["member"], resources: ["orders"], operations: ["read"] },
    { id: "workers", subjects: ["worker-1.internal.example"], resources: ["orders"], operations: ["read"] },
  ],
};

/** The connection of a client whose certificate a trusted authority issued. */
export function certified(wishes: Partial<CertificateWishes>, trusted = true): Connection {
  const der = new Uint8Array(new X509Certificate(certificate({ name: "any", ...wishes }).cert).raw);
  return { address: "192.0.2.9", certificate: { der, trusted } };
}

export const stranger: Connection = { address: "192.0.2.9" };

/** A response of a capability endpoint, whatever it says. */
export interface Received {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

/** How a message is sent. */
export interface SendOptions {
  readonly from?: Connection;
  readonly bearer?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a message to a capability endpoint. */
export type Send = (path: CapabilityPath, message: unknown, options?: SendOptions) => Promise<Received>;

export interface World {
  readonly authority: TestAuthority;
  readonly send: Send;
  /** Sends a message that must be answered well. */
  get<Path extends CapabilityPath>(
    path: Path,
    message: unknown,
    options?: SendOptions,
  ): Promise<CapabilityResponse<Path>>;
  /** What the log was told of the last refusal. */
  refusal(): Readonly<Record<string, string | undefined>>;
}

/** An authority with the policy of the tests. */
export async function world(config: ConfigInput = {}, more: TestAuthorityOptions = {}): Promise<World> {
  return worldOf(await testAuthority({ config, policy, ...more }));
}

/** How an authority is asked. */
export function worldOf(authority: TestAuthority): World {
  const send: Send = async (path, message, { from = stranger, bearer, headers = {} } = {}) => {
    const { method } = capabilityEndpoints[path];
    const sent =
      method === "GET"
        ? { method, headers }
        : {
            method,
            body: typeof message === "string" ? message : JSON.stringify(message),
            headers: {
              "content-type": "application/json",
              ...(bearer && { authorization: `Bearer ${bearer}` }),
              ...headers,
            },
          };
    const response = await readResponse(await authority.fetch(new Request(`${TEST_ISSUER}${path}`, sent), from));
    if (path !== "/health") assert.equal(typeof response.body.response_msg, "string", JSON.stringify(response.body));
    return response;
  };
  return {
    authority,
    send,
    async get(path, message, options) {
      const { status, body } = await send(path, message, options);
      assert.ok(status < 300, JSON.stringify(body));
      return readCapabilityResponse(path, body);
    },
    refusal() {
      const event = authority.events.findLast(({ name }) => name === "capability.refused");
      return event?.fields ?? assert.fail("nothing was refused");
    },
  };
}

import assert from "node:assert/strict";
import { type JsonObject, tokenTypes } from "@countersign/protocol";
import { decodeJwt } from "jose";
import { tokenExchange } from "../../src/grants/token-exchange.ts";
import {
  type FormFields,
  type TestAuthority,
  type TestAuthorityOptions,
  type TestResponse,
  testAuthority,
} from "../../src/testing.ts";

const password = "correct horse battery";
const api = "https://orders.example.com";
const ledger = "https://ledger.example.com";

/** The audiences of the scene. */
export const audiences = { api, ledger } as const;

/** An authority with alice, an app of hers, and the services `orders` and `billing`, which may exchange tokens. */
export interface ExchangeScene {
  readonly authority: TestAuthority;
  readonly userId: string;
  /** Exchanges as a client: one of the scene, by its name. */
  exchange(client: ClientName, fields: FormFields): Promise<TestResponse>;
  /** A token of alice, given to the app for `orders` and its address. */
  aliceToken(more?: FormFields): Promise<string>;
  /** A token that a service of the scene has for itself, for itself. */
  serviceToken(client: "orders" | "billing", more?: FormFields): Promise<string>;
}

const clientNames = ["app", "orders", "billing", "stranger"] as const;
type ClientName = (typeof clientNames)[number];

const exchangeType = tokenExchange.type;

/** Makes the scene. */
export async function exchangeScene(options: TestAuthorityOptions = {}): Promise<ExchangeScene> {
  const authority = await testAuthority(options);
  const person = { username: "alice", password, fullName: "Alice", scopes: ["read", "write", "superuser"] };
  const { userId } = await authority.services.users.register(person, "test");
  const scopes = ["read", "write"];
  await authority.client({
    clientId: "app",
    scopes: [...scopes, "superuser"],
    grants: ["password", exchangeType],
    authMethod: "none",
    token: { audience: ["orders", api, ledger] },
  });
  const service = (clientId: ClientName, audience: readonly string[]) =>
    authority.client({ clientId, scopes, grants: ["client_credentials", exchangeType], token: { audience } });
  const { secret: ordersSecret } = await service("orders", [ledger, "billing", "orders"]);
  const { secret: billingSecret } = await service("billing", ["billing", "orders"]);
  const { secret: strangerSecret } = await service("stranger", [ledger]);
  const secrets: Readonly<Record<ClientName, FormFields>> = {
    app: {},
    orders: { client_secret: ordersSecret },
    billing: { client_secret: billingSecret },
    stranger: { client_secret: strangerSecret },
  };
  const post = (client: ClientName, fields: FormFields) =>
    authority.form("/oauth/token", { client_id: client, ...secrets[client], ...fields });
  return {
    authority,
    userId,
    exchange: (client, fields) =>
      post(client, { grant_type: exchangeType, subject_token_type: tokenTypes.accessToken, ...fields }),
    aliceToken: async (more = {}) =>
      tokenIn(
        await post("app", { grant_type: "password", username: "alice", password, audience: ["orders", api], ...more }),
      ),
    serviceToken: async (client, more = {}) =>
      tokenIn(await post(client, { grant_type: "client_credentials", audience: client, ...more })),
  };
}

/** The access token of a response that must have one. */
export function tokenIn({ status, body }: TestResponse): string {
  assert.equal(status, 200, JSON.stringify(body));
  return String(body.access_token);
}

/** The claims of the token of a response. */
export function claimsIn(response: TestResponse): JsonObject {
  return JSON.parse(JSON.stringify(decodeJwt(tokenIn(response))));
}

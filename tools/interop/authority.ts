import {
  type Authority,
  createAuthority,
  createKeyEncryptionKey,
  createMemoryStore,
  parseConfig,
  prepareFirstStart,
} from "@countersign/authority";
import { serveAuthority } from "@countersign/authority/node";
import { systemClock, systemRandom } from "@countersign/protocol";

type ClientSettings = Parameters<Authority["services"]["clients"]["create"]>[0];

/** An authority on a socket, whose clock can be moved. */
export interface MovableAuthority extends AsyncDisposable {
  readonly url: string;
  readonly services: Authority["services"];
  readonly adminPassword: string;
  /** How far its clock is from this machine's from now on. */
  moveClock(offsetMs: number): void;
  /** A token of a client that is made for it. */
  token(settings: Partial<ClientSettings>): Promise<string>;
  /** A token of the jwt-issuer face. */
  issuerToken(name: string): Promise<string>;
}

/** Serves an authority with the jwt-issuer face, its clock off by so much. */
export async function serveMovable(startOffsetMs: number): Promise<MovableAuthority> {
  let offsetMs = startOffsetMs;
  const clock = { ...systemClock, now: () => systemClock.now() + offsetMs };
  const face: { authority?: Authority } = {};
  const served = await serveAuthority(
    {
      respond: async (...args) => (await face.authority?.respond(...args)) ?? { status: 503, headers: {}, body: null },
    },
    { port: 0 },
  );
  const authority = await createAuthority({
    config: parseConfig({ issuer: served.url, compat: { faces: ["jwt-issuer"] } }),
    store: createMemoryStore({ clock }),
    keyEncryptionKey: createKeyEncryptionKey(systemRandom.bytes(32)),
    clock,
  });
  face.authority = authority;
  const { services } = authority;
  const first = await prepareFirstStart(services);
  await first.confirmShown();
  return {
    url: served.url,
    services,
    adminPassword: first.adminPassword ?? "",
    moveClock(toMs) {
      offsetMs = toMs;
    },
    token: (settings) => tokenOf(services, served.url, settings),
    async issuerToken(name) {
      const headers = { "content-type": "application/json" };
      const init = { method: "POST", headers, body: JSON.stringify({ name }) };
      return (await fetch(`${served.url}/auth/token`, init)).text();
    },
    async [Symbol.asyncDispose]() {
      await served.close();
      await authority.close();
    },
  };
}

async function tokenOf(services: Authority["services"], url: string, settings: Partial<ClientSettings>) {
  const { client, secret = "" } = await services.clients.create(
    {
      clientName: "interop",
      scopes: [],
      grants: ["client_credentials"],
      loopback: false,
      authMethod: "client_secret_post",
      token: {},
      disabled: false,
      ...settings,
    },
    "interop",
  );
  const form = { grant_type: "client_credentials", client_id: client.clientId, client_secret: secret };
  const response = await fetch(`${url}/oauth/token`, { method: "POST", body: new URLSearchParams(form) });
  const { access_token } = (await response.json()) as { access_token?: string };
  if (access_token === undefined) throw new Error(`Cannot get a token: ${response.status}`);
  return access_token;
}

/** The same token with another subject, under the signature of the first. */
export function withAnotherSubject(token: string): string {
  const [header = "", payload = "", signature = ""] = token.split(".");
  const claims = { ...JSON.parse(Buffer.from(payload, "base64url").toString()), sub: "somebody" };
  return [header, Buffer.from(JSON.stringify(claims)).toString("base64url"), signature].join(".");
}

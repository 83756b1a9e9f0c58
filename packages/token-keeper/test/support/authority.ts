import {
  createAuthority,
  createKeyEncryptionKey,
  createMemoryStore,
  type HttpHandler,
  type HttpRequest,
  parseConfig,
} from "@countersign/authority";
import { type Served, serveAuthority, type TlsOptions } from "@countersign/authority/node";
import { systemClock, systemRandom } from "@countersign/protocol";

/** How an authority is set up. */
export interface AuthoritySetUp {
  readonly tls?: TlsOptions;
  /** Told of each request when it was answered, and before the answer is sent. */
  readonly answered?: (request: HttpRequest) => void;
}

/** The real authority on a socket, in this process. */
export async function startAuthority(options: AuthoritySetUp = {}) {
  const { tls, answered } = options;
  const relay: { respond?: HttpHandler } = {};
  const served: Served = await serveAuthority(
    {
      async respond(request, connection) {
        const answer = await relay.respond?.(request, connection);
        answered?.(request);
        return answer ?? { status: 503, headers: {}, body: null };
      },
    },
    { port: 0, ...(tls === undefined ? {} : { tls }) },
  );
  const authority = await createAuthority({
    config: parseConfig({ issuer: served.url }),
    store: createMemoryStore({ clock: systemClock }),
    keyEncryptionKey: createKeyEncryptionKey(systemRandom.bytes(32)),
  });
  relay.respond = authority.respond;
  const { clients, users } = authority.services;
  const defaults = {
    clientName: "test",
    scopes: [],
    grants: ["client_credentials"],
    loopback: false,
    authMethod: "client_secret_basic",
    token: {},
    disabled: false,
  } as const;
  return {
    issuer: served.url,
    client: (settings: Partial<Parameters<typeof clients.create>[0]> = {}) =>
      clients.create({ ...defaults, ...settings }, "test"),
    user: (username: string, password: string) =>
      users.register({ username, password, fullName: username, scopes: [] }, "test"),
    /** Logs a user in by password and gives the refresh token. */
    async login(clientId: string, username: string, password: string): Promise<string> {
      const form = { grant_type: "password", client_id: clientId, username, password, scope: "offline_access" };
      const answer = await fetch(`${served.url}/oauth/token`, { method: "POST", body: new URLSearchParams(form) });
      // The authority's own answer (RFC 6749 section 5.1).
      return ((await answer.json()) as { refresh_token: string }).refresh_token;
    },
    async [Symbol.asyncDispose]() {
      await served.close();
      await authority.close();
    },
  };
}

import {
  createAuthority,
  createKeyEncryptionKey,
  createMemoryStore,
  type HttpHandler,
  parseConfig,
} from "@countersign/authority";
import { serveAuthority } from "@countersign/authority/node";
import { systemClock, systemRandom } from "@countersign/protocol";

/** One request to the token endpoint. */
export interface TokenRequest {
  readonly at: number;
  readonly answered: boolean;
}

/** A real authority on a socket that can be taken away and given back. */
export async function startFleetAuthority(lifetimeS: number, audiences: readonly string[]) {
  const requests: TokenRequest[] = [];
  let down = false;
  let nextRequest: (() => void) | undefined;
  const relay: { respond?: HttpHandler } = {};
  const served = await serveAuthority(
    {
      async respond(request, connection) {
        if (nextRequest !== undefined) down = true;
        nextRequest?.();
        nextRequest = undefined;
        requests.push({ at: systemClock.now(), answered: !down });
        const answer = down ? undefined : await relay.respond?.(request, connection);
        return answer ?? { status: 503, headers: {}, body: null };
      },
    },
    { port: 0 },
  );
  const config = parseConfig({ issuer: served.url, limits: { address_attempts_per_minute: 100_000 } });
  const authority = await createAuthority({
    // Shorter than an operator may set it.
    config: { ...config, tokens: { ...config.tokens, access_ttl: lifetimeS } },
    store: createMemoryStore({ clock: systemClock }),
    keyEncryptionKey: createKeyEncryptionKey(systemRandom.bytes(32)),
  });
  relay.respond = authority.respond;
  const { client, secret = "" } = await authority.services.clients.create(
    {
      clientName: "fleet",
      scopes: [],
      grants: ["client_credentials"],
      loopback: false,
      authMethod: "client_secret_basic",
      token: { audience: audiences },
      disabled: false,
    },
    "fleet",
  );
  return {
    tokenEndpoint: `${served.url}/oauth/token`,
    clientId: client.clientId,
    secret,
    requests,
    /** Goes away when the next request arrives, and does not answer it. */
    goDownOnRequest: () =>
      new Promise<void>((resolve) => {
        nextRequest = resolve;
      }),
    comeBack: () => {
      down = false;
    },
    async [Symbol.asyncDispose]() {
      await served.close({ atMostMs: 1_000 });
      await authority.close();
    },
  };
}

import { createAuthority, createKeyEncryptionKey, createMemoryStore, parseConfig } from "@countersign/authority";
import { type Served, serveAuthority, type TlsOptions } from "@countersign/authority/node";
import { systemClock, systemRandom } from "@countersign/protocol";

/** The real authority on a socket, in this process. */
export async function startAuthority(options: { tls?: TlsOptions; config?: object } = {}) {
  const { tls, config = {} } = options;
  const relay: { fetch?: Awaited<ReturnType<typeof createAuthority>>["fetch"] } = {};
  const unavailable = () => new Response(null, { status: 503 });
  const served: Served = await serveAuthority(
    { fetch: async (...args) => (await relay.fetch?.(...args)) ?? unavailable() },
    { port: 0, ...(tls === undefined ? {} : { tls }) },
  );
  const authority = await createAuthority({
    config: parseConfig({ issuer: served.url, ...config }),
    store: createMemoryStore({ clock: systemClock }),
    keyEncryptionKey: createKeyEncryptionKey(systemRandom.bytes(32)),
  });
  relay.fetch = authority.fetch;
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
    async [Symbol.asyncDispose]() {
      await served.close();
      await authority.close();
    },
  };
}

/**
 * Countersign under Bun, on the same store: its `fetch` given to Bun.serve. Prints its URL and the form of the load as one
 * line of JSON. Run by run.ts when the variable BUN names a bun.
 */
import { join } from "node:path";
import { createAuthority, createKeyEncryptionKey, openSqliteStore, parseConfig } from "@countersign/authority";
import { systemClock, systemRandom } from "@countersign/protocol";

interface BunServer {
  readonly port: number;
  requestIP(request: Request): { readonly address: string } | null;
}

declare const Bun: {
  serve(options: {
    readonly port: number;
    readonly hostname: string;
    readonly fetch: (request: Request, server: BunServer) => Promise<Response>;
  }): BunServer;
};

const [directory = "."] = process.argv.slice(2);
const authority = await createAuthority({
  config: parseConfig({ issuer: "http://localhost" }),
  store: await openSqliteStore({ path: join(directory, "countersign.db"), clock: systemClock }),
  keyEncryptionKey: createKeyEncryptionKey(systemRandom.bytes(32)),
});
const { client, secret = "" } = await authority.services.clients.create(
  {
    clientName: "bench",
    scopes: ["read"],
    grants: ["client_credentials"],
    authMethod: "client_secret_post",
    loopback: false,
    disabled: false,
    token: {},
  },
  "bench",
);
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: (request, { requestIP }) => {
    const address = requestIP.call(server, request)?.address;
    return authority.fetch(request, address === undefined ? {} : { address });
  },
});
const grant = { grant_type: "client_credentials", client_id: client.clientId, client_secret: secret, scope: "read" };
console.log(JSON.stringify({ url: `http://127.0.0.1:${server.port}/oauth/token`, grant }));

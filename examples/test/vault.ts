import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { systemClock } from "@countersign/protocol";
import { decodeProtectedHeader } from "jose";
import {
  loginToVault,
  readDiscovery,
  readKeySet,
  type VaultRole,
} from "../../packages/authority/test/flows/vault-role.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Vault's jwt auth method at `/v1/auth/jwt/`, by the rules that are written down in `vault-role.ts`. */
export async function serveVaultRules(): Promise<Server & AsyncDisposable> {
  const method = new JwtMethod();
  const server = createServer((request, response) => {
    const path = request.url?.replace("/v1/auth/jwt/", "") ?? "";
    json(request)
      .then((fields) => method.write(path, fields as Fields))
      .then(
        (answer) => response.writeHead(answer === undefined ? 204 : 200).end(answer && JSON.stringify(answer)),
        (error) => response.writeHead(400).end(JSON.stringify({ errors: [String(error)] })),
      );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** Where a server listens. */
export function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

class JwtMethod {
  readonly #roles = new Map<string, VaultRole>();
  readonly #mounts = new Set<string>();
  #config: { readonly source: string; readonly issuer: string; readonly algorithms: readonly string[] } | undefined;

  async write(path: string, fields: Fields): Promise<unknown> {
    if (path.startsWith("/v1/sys/auth/")) return this.#enable(path);
    if (path === "config") return this.#configure(fields);
    if (path.startsWith("role/")) return this.#setRole(path.slice("role/".length), fields);
    if (path === "login") return this.#login(fields);
    throw new Error(`no handler for route: ${path}`);
  }

  #enable(path: string): void {
    if (this.#mounts.has(path)) throw new Error("path is already in use at jwt/");
    this.#mounts.add(path);
  }

  /** The keys are fetched when the source is written, so a wrong one is refused at once. */
  async #configure(fields: Fields): Promise<void> {
    this.#config = {
      source: String(fields.oidc_discovery_url),
      issuer: String(fields.bound_issuer),
      algorithms: String(fields.jwt_supported_algs).split(","),
    };
    await this.#keys();
  }

  #setRole(name: string, fields: Fields): void {
    if (this.#config === undefined) throw new Error("could not load configuration");
    this.#roles.set(name, {
      roleType: "jwt",
      userClaim: String(fields.user_claim),
      boundAudiences: fields.bound_audiences as readonly string[],
      boundSubject: String(fields.bound_subject),
      boundIssuer: this.#config.issuer,
    });
  }

  async #login({ role: name, jwt }: Fields): Promise<unknown> {
    const role = this.#roles.get(String(name));
    if (role === undefined) throw new Error(`role "${name}" could not be found`);
    const { alg } = decodeProtectedHeader(String(jwt));
    if (!this.#config?.algorithms.includes(String(alg)))
      throw new Error(`token signed with unexpected algorithm ${alg}`);
    return { auth: await loginToVault(String(jwt), role, await this.#keys(), systemClock.now()) };
  }

  async #keys() {
    const { source = "" } = this.#config ?? {};
    const { jwksUri } = readDiscovery(await fetchJson(`${source}/.well-known/openid-configuration`), source);
    return readKeySet(await fetchJson(jwksUri));
  }
}

async function fetchJson(url: string): Promise<Fields> {
  return (await (await fetch(url)).json()) as Fields;
}

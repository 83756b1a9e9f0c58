import type { Clock } from "@countersign/protocol";
import { defined } from "@countersign/protocol";
import { FakeClock, seededRandom } from "@countersign/protocol/testing";
import type { AuthorityEvent } from "./audit/events.ts";
import type { Observer, RequestMetric } from "./audit/observer.ts";
import { type Authority, type AuthorityOptions, createAuthority } from "./authority.ts";
import type { Connection } from "./caller.ts";
import type { ClientSettings } from "./clients/client-settings.ts";
import { type ConfigInput, parseConfig } from "./config.ts";
import type { Grant } from "./grants/grant.ts";
import { createKeyEncryptionKey } from "./keys/key-encryption-key.ts";
import { compilePolicy } from "./policy/compile.ts";
import { readPolicy } from "./policy/read.ts";
import { createMemoryStore } from "./store/memory.ts";
import type { ClientRecord } from "./store/records.ts";
import type { Store } from "./store/store.ts";

/** What a test may choose. */
export interface TestAuthorityOptions {
  /** Keys are made for ES256 and `tokens.algorithm` unless `keys.algorithms` names others. */
  readonly config?: ConfigInput;
  /** A `FakeClock`. @default a new one */
  readonly clock?: Clock;
  /** @default an empty memory store on the clock */
  readonly store?: Store;
  /** What all randomness is derived from. @default 1 for the key-encryption key, 2 for the rest */
  readonly seed?: number;
  /** @default the grants that are offered */
  readonly grants?: readonly Grant[];
  /** A policy of the configuration, as its TOML is read. @default none */
  readonly policy?: object;
  /** How the keys of trusted issuers are fetched. @default not at all */
  readonly network?: AuthorityOptions["network"];
  /** The authority of the server's certificate, PEM. @default none */
  readonly serverAuthority?: string;
  /** Which client certificates the metadata offer. @default "none" */
  readonly clientCertificates?: AuthorityOptions["clientCertificates"];
  /** What vouches for the keys. @default the source that the configuration names */
  readonly evidence?: AuthorityOptions["evidence"];
}

/** A whole authority in this process, on a clock and randomness that the test owns. */
export interface TestAuthority extends Authority {
  /** The clock of the authority: `clock.advance(ms)` lets time pass. */
  readonly clock: FakeClock;
  /** Every event so far, oldest first. */
  readonly events: readonly AuthorityEvent[];
  /** Every request so far that was answered, oldest first. */
  readonly requests: readonly RequestMetric[];
  /** Sends a form from this machine (or from `connection`) and reads the JSON response. */
  form(path: string, fields: FormFields, options?: SendOptions): Promise<TestResponse>;
  /** Creates a client; settings that are not named are those of a confidential client for client_credentials. */
  client(settings?: Partial<ClientSettings>): Promise<{ readonly client: ClientRecord; readonly secret: string }>;
}

/** The fields of a form; an array repeats a parameter. */
export type FormFields = Readonly<Record<string, string | readonly string[]>>;

/** How a form is sent. */
export interface SendOptions {
  /** Header lines beside Content-Type. @default none */
  readonly headers?: Readonly<Record<string, string>>;
  /** Who is at the other end. @default a connection from 127.0.0.1 */
  readonly connection?: Connection;
}

/** A response, read. */
export interface TestResponse {
  /** The status code. */
  readonly status: number;
  /** The header lines. */
  readonly headers: Headers;
  /** The members of the JSON body; of another body `{ text }`. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** The issuer of test authorities. */
export const TEST_ISSUER = "http://localhost:8080";

const loopback: Connection = { address: "127.0.0.1" };

/**
 * Makes an authority for a test, on the memory store unless one is given.
 *
 * @example
 * ```ts
 * import { testAuthority } from "@countersign/authority/testing";
 * const authority = await testAuthority();
 * const { client, secret } = await authority.client({ scopes: ["read"] });
 * const response = await authority.form("/oauth/token", {
 *   grant_type: "client_credentials", client_id: client.clientId, client_secret: secret,
 * });
 * response.status; // 200
 * await authority.close();
 * ```
 */
export async function testAuthority(options: TestAuthorityOptions = {}): Promise<TestAuthority> {
  const clock = options.clock instanceof FakeClock ? options.clock : new FakeClock();
  const events: AuthorityEvent[] = [];
  const requests: RequestMetric[] = [];
  const observer: Observer = {
    event: (event) => events.push(event),
    request: (request) => requests.push(request),
  };
  const authority = await createAuthority({
    config: parseConfig({
      ...options.config,
      issuer: options.config?.issuer ?? TEST_ISSUER,
      // RSA keys take a while to make, and hardly any test needs them.
      keys: { algorithms: ["ES256"], ...options.config?.keys },
    }),
    store: options.store ?? createMemoryStore({ clock }),
    keyEncryptionKey: createKeyEncryptionKey(seededRandom(options.seed ?? 1).bytes(32)),
    clock,
    random: seededRandom(options.seed ?? 2),
    observer,
    signing: "inline",
    ...(options.policy === undefined ? {} : { policy: compilePolicy(readPolicy(options.policy)) }),
    ...defined({
      grants: options.grants,
      clientCertificates: options.clientCertificates,
      serverAuthority: options.serverAuthority,
      network: options.network,
      evidence: options.evidence,
    }),
  });
  return {
    ...authority,
    clock,
    events,
    requests,
    form: (path, fields, send) => sendForm(authority, path, fields, send),
    client: (settings) => createClient(authority, settings),
  };
}

async function sendForm(
  authority: Authority,
  path: string,
  fields: FormFields,
  send: SendOptions = {},
): Promise<TestResponse> {
  const pairs = Object.entries(fields).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, one]),
  );
  const request = new Request(`${TEST_ISSUER}${path}`, {
    method: "POST",
    body: new URLSearchParams(pairs).toString(),
    headers: { "content-type": "application/x-www-form-urlencoded", ...send.headers },
  });
  return readResponse(await authority.fetch(request, send.connection ?? loopback));
}

/** The parts of a response that tests look at. */
export async function readResponse(response: Response): Promise<TestResponse> {
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text.startsWith("{") ? JSON.parse(text) : { text },
  };
}

async function createClient(authority: Authority, settings: Partial<ClientSettings> = {}) {
  const { client, secret = "" } = await authority.services.clients.create(
    {
      clientName: "test",
      scopes: [],
      grants: ["client_credentials"],
      loopback: false,
      authMethod: "client_secret_basic",
      token: {},
      disabled: false,
      ...settings,
    },
    "test",
  );
  return { client, secret };
}

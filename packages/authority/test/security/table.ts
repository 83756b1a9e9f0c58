import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ConfigInput } from "../../src/config.ts";
import { keys } from "../../src/store/keys.ts";
import {
  type FormFields,
  readResponse,
  type SendOptions,
  TEST_ISSUER,
  type TestAuthority,
  type TestResponse,
  testAuthority,
} from "../../src/testing.ts";

/** A word no answer, log or event may ever hold. Every secret a row sends contains it. */
export const canary = "c4n4ry";

/** The people and clients every row finds. */
export interface Scene {
  readonly authority: TestAuthority;
  /** May use client_credentials with scopes `read` and `write`. */
  readonly service: { readonly id: string; readonly secret: string };
  /** A public client of people: password and refresh_token, scopes `read`, `write`, `offline_access`. */
  readonly app: { readonly id: string };
  /** Holds `read` and `write`. */
  readonly alice: { readonly username: string; readonly password: string; readonly userId: string };
  /** Posts a form and remembers the answer for the invariants. */
  post(fields: FormFields | string, options?: PostOptions): Promise<TestResponse>;
  /** Sends any request and remembers the answer. */
  send(path: string, init?: RequestInit): Promise<TestResponse>;
  /** Logs alice in on the app, with a refresh token. */
  login(): Promise<{ readonly access: string; readonly refresh: string }>;
  refresh(token: string, fields?: FormFields): Promise<TestResponse>;
}

export interface PostOptions extends SendOptions {
  readonly path?: string;
}

/** What a row expects of the answer its script ends with. */
export interface Expected {
  readonly status: number | readonly number[];
  readonly error?: string;
}

/** One row of the catalogue: what is sent, and what must come back. */
export interface SecurityRow {
  /** The number in the catalogue, with a suffix where a row has several inputs. */
  readonly id: string;
  readonly name: string;
  readonly build: (scene: Scene) => Promise<TestResponse>;
  readonly expect: Expected;
  /** Looks further than status and error. */
  readonly also?: (answer: TestResponse, scene: Scene) => void | Promise<void>;
  readonly config?: ConfigInput;
}

/** Runs a table: each row on an authority of its own, with the global invariants asserted after it. */
export function securityTable(title: string, rows: readonly SecurityRow[]): void {
  describe(title, () => {
    for (const row of rows) it(`${row.id} ${row.name}`, () => runRow(row));
  });
}

async function runRow(row: SecurityRow): Promise<void> {
  const answers: TestResponse[] = [];
  const scene = await makeScene(answers, row.config);
  const issuedBefore = issuedTokens(scene);
  const startedAt = process.hrtime.bigint();
  const answer = await row.build(scene);
  const tookMs = Number(process.hrtime.bigint() - startedAt) / 1e6;
  const statuses = [row.expect.status].flat();
  assert.ok(statuses.includes(answer.status), `status ${answer.status}: ${JSON.stringify(answer.body)}`);
  if (row.expect.error !== undefined) assert.equal(answer.body.error, row.expect.error);
  await row.also?.(answer, scene);
  assertInvariants(scene, answers, tookMs);
  if (answer.status >= 400)
    assert.equal(answersWithToken(answers), issuedTokens(scene) - issuedBefore, "a refused request left a live token");
  await scene.authority.close();
}

function assertInvariants(scene: Scene, answers: readonly TestResponse[], tookMs: number): void {
  assert.ok(tookMs < 5000, `the row took ${tookMs} ms`);
  for (const answer of answers) {
    assert.ok(answer.status < 500 || answer.status === 503, `status ${answer.status}: ${JSON.stringify(answer.body)}`);
    assert.ok(!JSON.stringify([answer.body, ...answer.headers]).includes(canary), "an answer holds a secret");
  }
  assert.ok(
    !JSON.stringify([scene.authority.events, scene.authority.requests]).includes(canary),
    "an event holds a secret",
  );
  assert.equal(Object.keys(Object.prototype).length, 0, "a prototype was polluted");
}

function answersWithToken(answers: readonly TestResponse[]): number {
  return answers.filter((answer) => typeof answer.body.access_token === "string").length;
}

/** Tokens that somebody has: those that lost a race were signed and thrown away, and are in no record. */
export function issuedTokens({ authority }: Scene): number {
  return authority.events.filter((event) => event.name === "token.issued").length;
}

const password = `${canary} correct horse`;

/** Alice as an authority stores her. Made once: to hash her password anew for each row would take most of its time. */
const aliceItems = (async () => {
  const { services, close } = await testAuthority({ seed: 3 });
  const person = { username: "alice", password, fullName: "Alice", scopes: ["read", "write"] };
  const { userId } = await services.users.register(person, "test");
  const items = await Promise.all([keys.user(userId), keys.username("alice")].map((key) => services.store.get(key)));
  await close();
  return { userId, items: items.filter((item) => item !== undefined) };
})();

async function addAlice({ services: { store } }: TestAuthority): Promise<Scene["alice"]> {
  const { userId, items } = await aliceItems;
  for (const { key, version: _, ...draft } of items) assert.ok(await store.swap(key, 0, draft));
  return { username: "alice", password, userId };
}

async function makeScene(answers: TestResponse[], config: ConfigInput = {}): Promise<Scene> {
  const authority = await testAuthority({ config });
  const service = await authority.client({ scopes: ["read", "write"] });
  const app = await authority.client({
    scopes: ["read", "write", "offline_access"],
    grants: ["password", "refresh_token"],
    authMethod: "none",
  });
  const alice = await addAlice(authority);
  const send = async (path: string, init: RequestInit = {}, options: SendOptions = {}) => {
    const request = new Request(new URL(path, TEST_ISSUER), init);
    const answer = await readResponse(await authority.fetch(request, options.connection ?? { address: "127.0.0.1" }));
    answers.push(answer);
    return answer;
  };
  const post = (fields: FormFields | string, { path = "/oauth/token", headers = {}, ...options }: PostOptions = {}) =>
    send(
      path,
      {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
        body: typeof fields === "string" ? fields : formText(fields),
      },
      options,
    );
  const appId = app.client.clientId;
  const refresh = (token: string, fields: FormFields = {}) =>
    post({ grant_type: "refresh_token", client_id: appId, refresh_token: token, ...fields });
  const login = async () => {
    const answer = await post({
      grant_type: "password",
      client_id: appId,
      username: "alice",
      password,
      scope: "read write offline_access",
    });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return { access: String(answer.body.access_token), refresh: String(answer.body.refresh_token) };
  };
  return {
    authority,
    service: { id: service.client.clientId, secret: service.secret },
    app: { id: appId },
    alice,
    post,
    send,
    login,
    refresh,
  };
}

/** A form body, as clients write it. */
export function formText(fields: FormFields): string {
  const pairs = Object.entries(fields).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, one]),
  );
  return new URLSearchParams(pairs).toString();
}

/** The form of a client_credentials request that is right in everything. */
export function serviceForm({ service }: Scene, more: FormFields = {}): FormFields {
  return { grant_type: "client_credentials", client_id: service.id, client_secret: service.secret, ...more };
}

/** An Authorization header with Basic credentials, form-encoded first (RFC 6749 section 2.3.1). */
export function basic(id: string, secret: string): Readonly<Record<string, string>> {
  const text = `${encodeURIComponent(id)}:${encodeURIComponent(secret)}`;
  return { authorization: `Basic ${Buffer.from(text).toString("base64")}` };
}

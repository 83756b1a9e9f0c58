import assert from "node:assert/strict";
import { createServer, request as httpRequest, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { after, describe, it } from "node:test";
import { KeyPair } from "@countersign/biscuit";
import { type CountersignError, systemClock } from "@countersign/protocol";
import { delegateIdentity, mintAuthorization, mintIdentity } from "@countersign/protocol/capability";
import express from "express";
import { fastify } from "fastify";
import { Hono } from "hono";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import * as onExpress from "../src/guards/express.ts";
import * as onFastify from "../src/guards/fastify.ts";
import * as onHono from "../src/guards/hono.ts";
import * as onNode from "../src/guards/node-http.ts";
import { type Credential, createVerifier, type Requirements, type VerifierOptions } from "../src/index.ts";

const issuer = "https://id.example";
const audience = "https://api.example";
const root = await KeyPair.generate();
const signing = await generateKeyPair("ES256");
const keys = { keys: [{ ...(await exportJWK(signing.publicKey)), kid: "k", alg: "ES256", use: "sig" }] };

interface JwtWishes {
  readonly scope?: string;
  readonly audience?: string;
  readonly expires?: string;
  readonly more?: Record<string, unknown>;
}

function jwt({ scope = "orders:read", audience: aud = audience, expires = "5m", more = {} }: JwtWishes = {}) {
  return new SignJWT({ client_id: "c", scope, ...more })
    .setProtectedHeader({ alg: "ES256", kid: "k", typ: "at+jwt" })
    .setIssuer(issuer)
    .setSubject("alice")
    .setAudience(aud)
    .setJti("j")
    .setIssuedAt(expires.startsWith("-") ? "-10m" : undefined)
    .setExpirationTime(expires)
    .sign(signing.privateKey);
}

const lifetime = { clock: systemClock };
const right = { subject: "urn:x:alice", resource: "orders", operation: "read" };
const identity = (await mintIdentity(root, { subject: "urn:x:alice", delegatable: true }, lifetime)).toBase64();
const delegation = { identity: "urn:x:alice:laptop" };
const delegated = (await delegateIdentity(identity, delegation, { rootKey: root.publicKey, ...lifetime })).toBase64();
const authorization = (await mintAuthorization(root, right, lifetime)).toBase64();
const expired = (await mintAuthorization(root, right, { ...lifetime, startAt: 0 })).toBase64();
const foreign = (await mintIdentity(await KeyPair.generate(), { subject: "urn:x:alice" }, lifetime)).toBase64();
const writing = (await mintAuthorization(root, { ...right, operation: "write" }, lifetime)).toBase64();

const everything: Requirements = {
  jwt: { scope: "orders:read" },
  identity: { within: "urn:x:alice" },
  authorization: { resource: "orders", operation: "read" },
};

interface Guarding {
  readonly require: Requirements | (() => Requirements);
  readonly verifier?: VerifierOptions;
  readonly authorize?: (credential: Credential) => boolean;
  readonly onRefusal?: (error: CountersignError | undefined) => void;
}

interface Reply {
  readonly status: number;
  readonly challenge: string | undefined;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

type Send = (fields: readonly string[]) => Promise<Reply>;

const open: { close(): unknown }[] = [];
after(() => Promise.all(open.map((one) => one.close())));

/** Sends real requests to a listener on a socket. */
async function overSocket(listener: RequestListener): Promise<Send> {
  const server = createServer(listener);
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return (fields) =>
    new Promise((resolve, reject) => {
      const headers = ["host", "127.0.0.1", ...fields.flatMap((field) => ["authorization", field])];
      const sent = httpRequest({ port, host: "127.0.0.1", path: "/orders", agent: false, headers }, (response) => {
        response
          .setEncoding("utf8")
          .toArray()
          .then((chunks) => {
            const { "www-authenticate": challenge, "retry-after": retryAfter } = response.headers;
            resolve({ status: response.statusCode ?? 0, challenge, retryAfter, body: chunks.join("") });
          }, reject);
      });
      sent.on("error", reject).end();
    });
}

type Framework = (options: Guarding & { readonly verifier: ReturnType<typeof createVerifier> }) => Promise<Send>;

const who = ({ kind, subject }: Credential): string => `${kind} ${subject}`;

const frameworks: Readonly<Record<string, Framework>> = {
  hono: async (options) => {
    const app = new Hono();
    app.use("/orders", onHono.guard(options));
    app.get("/orders", (context) => context.text(who(onHono.credentialOf(context))));
    return async (fields) => {
      const headers = new Headers(fields.map((field): [string, string] => ["authorization", field]));
      const response = await app.request("/orders", { headers });
      const [challenge, retryAfter] = ["www-authenticate", "retry-after"].map(
        (name) => response.headers.get(name) ?? undefined,
      );
      return { status: response.status, challenge, retryAfter, body: await response.text() };
    };
  },
  express: (options) => {
    const app = express();
    app.get("/orders", onExpress.guard(options), (request, response) => {
      response.send(who(onExpress.credentialOf(request)));
    });
    app.use(
      ((_error, _request, response, _next) => void response.status(500).end()) satisfies express.ErrorRequestHandler,
    );
    return overSocket(app);
  },
  fastify: async (options) => {
    const app = fastify();
    open.push(app);
    app.addHook("onRequest", onFastify.guard(options));
    app.get("/orders", async (request) => who(onFastify.credentialOf(request)));
    await app.ready();
    return overSocket((request, response) => app.routing(request, response));
  },
  "node:http": (options) =>
    overSocket(onNode.guard(options, (request, response) => response.end(who(onNode.credentialOf(request))))),
};

const bearer = (token: string): readonly string[] => [`Bearer ${token}`];
const metadata = "https://api.example/.well-known/oauth-protected-resource";

/** What each framework must say; an absent challenge is one that must not be there. */
const cases: readonly {
  readonly name: string;
  readonly fields: () => readonly string[] | Promise<readonly string[]>;
  readonly more?: Partial<Guarding>;
  readonly status: number;
  readonly body?: string;
  readonly challenge?: RegExp;
}[] = [
  { name: "a JWT", fields: async () => bearer(await jwt()), status: 200, body: "jwt alice" },
  { name: "a scheme in lower case", fields: async () => [`bearer ${await jwt()}`], status: 200 },
  { name: "an identity", fields: () => bearer(identity), status: 200, body: "identity urn:x:alice" },
  { name: "a delegated identity", fields: () => bearer(delegated), status: 200, body: "identity urn:x:alice:laptop" },
  { name: "an authorization", fields: () => bearer(authorization), status: 200, body: "authorization urn:x:alice" },
  {
    name: "nothing",
    fields: () => [],
    status: 401,
    challenge: /^Bearer realm="orders", resource_metadata="https:[^"]*", scope="orders:read"$/,
  },
  {
    name: "another scheme",
    fields: () => ["Basic YTpi"],
    status: 401,
    challenge: /^Bearer realm="orders", (?!.*error)/,
  },
  { name: "an empty token", fields: () => ["Bearer "], status: 400, challenge: /error="invalid_request"/ },
  {
    name: "two tokens",
    fields: () => [`Bearer ${identity} ${identity}`],
    status: 400,
    challenge: /error="invalid_request"/,
  },
  {
    name: "two fields",
    fields: () => [...bearer(identity), ...bearer(authorization)],
    status: 400,
    challenge: /error="invalid_request"/,
  },
  { name: "no token", fields: () => bearer("abc"), status: 401, challenge: /error="invalid_token"/ },
  { name: "no JWT", fields: () => bearer("a.b.c"), status: 401, challenge: /error="invalid_token"/ },
  {
    name: "an expired JWT",
    fields: async () => bearer(await jwt({ expires: "-5m" })),
    status: 401,
    challenge: /error="invalid_token"/,
  },
  {
    name: "a JWT for another API",
    fields: async () => bearer(await jwt({ audience: "https://other.example" })),
    status: 401,
    challenge: /error="invalid_token"/,
  },
  {
    name: "a JWT bound to a certificate that the caller does not have",
    fields: async () => bearer(await jwt({ more: { cnf: { "x5t#S256": "A".repeat(43) } } })),
    status: 401,
    challenge: /error="invalid_token"/,
  },
  {
    name: "a JWT without the scope",
    fields: async () => bearer(await jwt({ scope: "orders:readall orders" })),
    status: 403,
    challenge: /scope="orders:read", error="insufficient_scope"/,
  },
  {
    name: "a JWT with none of the scopes",
    fields: async () => bearer(await jwt()),
    more: { require: { jwt: { anyScope: ["a", "b"] } } },
    status: 403,
    challenge: /error="insufficient_scope"/,
  },
  {
    name: "a JWT with one of the scopes",
    fields: async () => bearer(await jwt()),
    more: { require: { jwt: { anyScope: ["a", "orders:read"] } } },
    status: 200,
  },
  {
    name: "an identity of another authority",
    fields: () => bearer(foreign),
    status: 401,
    challenge: /error="invalid_token"/,
  },
  {
    name: "an identity elsewhere",
    fields: () => bearer(identity),
    more: { require: { identity: { within: "urn:x:ali" } } },
    status: 403,
    challenge: /error="insufficient_scope"/,
  },
  {
    name: "an authorization for another operation",
    fields: () => bearer(writing),
    status: 403,
    challenge: /insufficient_scope/,
  },
  { name: "an expired authorization", fields: () => bearer(expired), status: 401, challenge: /error="invalid_token"/ },
  {
    name: "a kind that is not accepted: JWT",
    fields: async () => bearer(await jwt()),
    more: { require: { identity: true } },
    status: 401,
    challenge: /error="invalid_token"/,
  },
  {
    name: "a kind that is not accepted: identity",
    fields: () => bearer(identity),
    more: { require: { jwt: true, authorization: { resource: "orders", operation: "read" } } },
    status: 401,
    challenge: /error="invalid_token"/,
  },
  {
    name: "a kind that is not accepted: authorization",
    fields: () => bearer(authorization),
    more: { require: { identity: true } },
    status: 401,
    challenge: /error="invalid_token"/,
  },
  {
    name: "a good token that authorize refuses",
    fields: () => bearer(identity),
    more: { authorize: ({ subject }) => subject === "urn:x:bob" },
    status: 403,
    challenge: /error="insufficient_scope"/,
  },
  {
    name: "a fault of the server",
    fields: () => bearer(identity),
    more: {
      require: () => {
        throw new Error("a fault");
      },
    },
    status: 500,
  },
];

for (const [name, framework] of Object.entries(frameworks)) {
  describe(`a guard of ${name}`, () => {
    for (const { name: what, fields, more = {}, status, body, challenge } of cases) {
      it(`answers ${status} to ${what}`, async () => {
        const told: (CountersignError | undefined)[] = [];
        const verifier = createVerifier({ issuer, audience, keys, rootKey: root.publicKey });
        const onRefusal = (error: CountersignError | undefined) => {
          told.push(error);
          throw new Error("a log that fails");
        };
        const asked = { require: everything, realm: "orders", resourceMetadata: metadata, onRefusal, verifier };
        const send = await framework({ ...asked, ...more, verifier });
        const reply = await send(await fields());
        assert.equal(reply.status, status, reply.body);
        if (body !== undefined) assert.equal(reply.body, body);
        assert.equal(reply.challenge === undefined, challenge === undefined);
        if (challenge !== undefined) assert.match(reply.challenge ?? "", challenge);
        assert.equal(told.length, challenge === undefined ? 0 : 1);
        const shown = JSON.stringify([reply, told.map((error) => [error?.detail, error?.message])]);
        if (status !== 200) assert.ok(![identity, delegated, authorization].some((token) => shown.includes(token)));
      });
    }

    it("answers 503 with Retry-After while keys cannot be had", async () => {
      const fetch = async () => Response.error();
      const verifier = createVerifier({ issuer, audience, keys: "https://id.example/jwks", fetch });
      open.push(verifier);
      const send = await framework({ require: { jwt: true }, verifier });
      const reply = await send(bearer(await jwt()));
      assert.deepEqual([reply.status, reply.challenge], [503, undefined]);
      assert.match(reply.retryAfter ?? "", /^[1-9]\d*$/);
    });

    it("is not made of requirements that no token meets", async () => {
      const verifier = createVerifier({ rootKey: root.publicKey });
      await assert.rejects(async () => framework({ require: {}, verifier }), TypeError);
    });
  });
}

describe("createVerifier()", () => {
  const refused: readonly VerifierOptions[] = [
    {},
    { keys },
    { keys, issuer },
    { keys, issuer: "", audience },
    { keys, issuer, audience: [] },
    { keys: "http://id.example/jwks", issuer, audience },
  ];
  for (const options of refused) {
    it(`refuses ${Object.entries(options).map(([name, value]) => `${name}=${JSON.stringify(value).slice(0, 40)}`)}`, () => {
      assert.throws(() => createVerifier(options), TypeError);
    });
  }

  it("reads a root key in PEM and as key text", async () => {
    for (const rootKey of [root.publicKey.toPem(), root.publicKey.toString()]) {
      const credential = await createVerifier({ rootKey }).verify(identity, { identity: true });
      assert.equal(credential.subject, "urn:x:alice");
    }
  });

  it("fetches a JWK set once for many tokens", async () => {
    let fetched = 0;
    const fetch = async () => {
      fetched++;
      return Response.json(keys);
    };
    const verifier = createVerifier({ issuer, audience, keys: "https://id.example/jwks", fetch });
    open.push(verifier);
    await Promise.all(Array.from({ length: 10 }, async () => verifier.verify(await jwt(), { jwt: true })));
    assert.equal(fetched, 1);
  });

  it("consults what was revoked", async () => {
    const revoked = { has: () => true };
    const verifier = createVerifier({ rootKey: root.publicKey, revoked });
    await assert.rejects(verifier.verify(identity, { identity: true }), { code: "token_revoked" });
  });
});

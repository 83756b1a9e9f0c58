import { X509Certificate } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { createSecureServer, type Http2ServerRequest } from "node:http2";
import { createServer } from "node:https";
import type { AddressInfo, Server, Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { KeyPair } from "@countersign/biscuit";
import { CountersignError, systemClock } from "@countersign/protocol";
import {
  authenticateIdentity,
  type CapabilityMessage,
  type CapabilityPath,
  type Component,
  capabilityEndpoints,
  inspectToken,
  mintAuthorization,
  mintIdentity,
  readCapabilityMessage,
  type SignoffInfo,
  signOff,
  verifyAuthorization,
  verifyPendingAuthorization,
} from "@countersign/protocol/capability";
import type { TestTls } from "./tls.ts";

/** What a resource asks for. */
export interface TestResource {
  /** Who may do what on it. */
  readonly may: readonly (readonly [subject: string, operation: string])[];
  readonly serviceChain?: readonly Component[];
  readonly parties?: readonly (Component & { readonly at: () => string })[];
}

export interface TestAuthorityOptions {
  readonly tls: TestTls;
  readonly protocol?: "http1" | "http2";
  readonly resources?: Readonly<Record<string, TestResource>> | undefined;
  /** Signs off as this party the tokens of that authority. */
  readonly signsAs?: { readonly component: string; readonly key: KeyPair; readonly rootKey: KeyPair };
  /** Answers in place of the authority. */
  readonly instead?: (path: string, body: string, socket: Socket) => Promise<Answer> | Answer | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

interface Call<Path extends CapabilityPath> {
  readonly message: CapabilityMessage<Path>;
  /** From the client certificate. */
  readonly certified: string | undefined;
  readonly bearer: string | undefined;
}

type Handlers = { readonly [Path in CapabilityPath]: (call: Call<Path>) => Promise<Answer> };

const ok = (body: object): Answer => ({ status: 200, body: { response_msg: "done", ...body } });

const refuse = (status: number, response_msg: string): never => {
  throw Object.assign(new Error(response_msg), { answer: { status, body: { response_msg } } });
};

/** An authority as section 2 of its reference says, on a real TLS socket: it mints and judges by the protocol. */
export async function testAuthority(options: TestAuthorityOptions) {
  const { tls, protocol = "http1", resources = {}, signsAs, instead } = options;
  const root = await KeyPair.generate("secp256r1");
  const judging = { rootKey: root.publicKey, clock: systemClock };
  const lifetime = { clock: systemClock, lifetimeMs: 300_000 };
  const seen: { readonly path: string; readonly bearer: string | undefined; readonly version: string }[] = [];

  async function callerOf({ certified, bearer }: Pick<Call<"/request_token">, "certified" | "bearer">) {
    const shown = bearer === undefined ? undefined : await authenticateIdentity(bearer, {}, judging);
    if (shown !== undefined && certified !== undefined && shown.actor !== certified) refuse(401, "Identity mismatch");
    return shown?.actor ?? certified ?? refuse(401, "Unauthorized");
  }

  async function identityFor(subject: string, seconds: number, domain?: string): Promise<Answer> {
    const content = { subject, delegatable: domain === undefined, domain };
    const token = await mintIdentity(root, content, { clock: systemClock, lifetimeMs: seconds * 1000 });
    return ok({ token: token.toBase64(), expires_in: seconds, identity: subject });
  }

  const handlers: Handlers = {
    "/public_key": async () => ok({ public_key: root.publicKey.toPem() }),
    "/ca_cert": async () => ok({ ca_cert_pem: tls.ca }),
    "/health": async () => ({ status: 200, body: { status: "ok", version: "test" } }),
    "/request_token": async ({ message: { resource, operation, domain }, ...caller }) => {
      const subject = await callerOf(caller);
      const { may = [], serviceChain = [], parties = [] } = resources[resource] ?? {};
      if (!may.some(([who, what]) => who === subject && what === operation)) {
        refuse(401, `Unauthorized or unknown resource: ${resource}`);
      }
      const right = { subject, resource, operation, domain, serviceChain, parties };
      const token = (await mintAuthorization(root, right, lifetime)).toBase64();
      const pending_signoffs = parties.map(({ component, publicKey, at }): SignoffInfo => {
        return { component, public_key: publicKey.toString(), authorization_service: at() };
      });
      return { status: 201, body: { response_msg: "Token issued", token, pending_signoffs } };
    },
    "/verify_token": async ({ message: { token, ...request } }) => {
      await verifyAuthorization(token, request, judging);
      return { status: 200, body: { response_msg: "Token validated" } };
    },
    "/verify_service_chain_token": async ({ message: { token, component, operation = "read", ...request } }) => {
      const nodes = resources[request.resource]?.serviceChain ?? refuse(400, "Resource is not a service chain");
      await verifyAuthorization(token, { ...request, operation, serviceChain: { nodes, component } }, judging);
      return { status: 200, body: { response_msg: "Service chain token validated" } };
    },
    "/sign_token": async ({ message: { token, resource, operation } }) => {
      if (signsAs === undefined) return { status: 200, body: { response_msg: "no party", signed_token: null } };
      const { component, key, rootKey } = signsAs;
      const theirs = { rootKey: rootKey.publicKey, clock: systemClock };
      const inspected = await inspectToken(token, theirs);
      const [right] = inspected.kind === "authorization" ? inspected.rights : [];
      const subject = right?.subject ?? "";
      await verifyPendingAuthorization(token, { subject, resource, operation }, theirs);
      return ok({ signed_token: (await signOff(token, { component, key }, theirs)).toBase64() });
    },
    "/request_identity_token": async ({ certified }) => identityFor(certified ?? refuse(401, "Unauthorized"), 3600),
    "/refresh_identity_token": async ({ message }) => {
      const { actor, token } = await authenticateIdentity(message.current_token, {}, judging);
      return token.blockCount > 1 ? refuse(401, "Delegated tokens are not refreshed") : identityFor(actor, 3600);
    },
    "/mint_identity_token": async ({ message: { subject, duration = 600 }, certified = "" }) => {
      if (!subject.startsWith(`${certified}:`)) refuse(401, "Unauthorized");
      return identityFor(subject, duration, certified);
    },
    "/request_stub": async ({ message, ...caller }) => {
      await callerOf(caller);
      const { target_identity: subject, resource, operation, prefix_attenuator_key: prefixKey } = message;
      const token = (await mintAuthorization(root, { subject, resource, operation, prefixKey }, lifetime)).toBase64();
      return ok({ token, expires_in: 300, target_identity: subject, prefix_attenuator_key: prefixKey });
    },
  };

  async function answer(path: string, body: string, caller: Omit<Call<"/health">, "message">): Promise<Answer> {
    if (!isPath(path)) return { status: 404, body: "not found" };
    return dispatch(path, body, caller);
  }

  function dispatch<Path extends CapabilityPath>(
    path: Path,
    body: string,
    caller: Omit<Call<Path>, "message">,
  ): Promise<Answer> {
    return handlers[path]({ message: readCapabilityMessage(path, body === "" ? {} : JSON.parse(body)), ...caller });
  }

  async function handle(request: Request, response: Outgoing) {
    const path = request.url ?? "";
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    const body = await bodyOf(request);
    seen.push({ path, bearer, version: request.httpVersion });
    const caller = { certified: identityOf(request), bearer };
    const other = await instead?.(path, body, request.socket);
    const { status, body: said } = other ?? (await answer(path, body, caller).catch(answerTo));
    response.writeHead(status, { "content-type": "application/json" });
    response.end(typeof said === "string" ? said : JSON.stringify(said));
  }

  const secure = {
    key: tls.server.key,
    cert: tls.server.cert,
    ca: tls.ca,
    requestCert: true,
    rejectUnauthorized: false,
  };
  const server: Server =
    protocol === "http2"
      ? createSecureServer(secure, (request, response) => void handle(request, response))
      : createServer(secure, (request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    root,
    seen,
    port,
    address: `127.0.0.1:${port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        if ("closeAllConnections" in server) (server.closeAllConnections as () => void)();
      }),
  };
}

type Request = IncomingMessage | Http2ServerRequest;

interface Outgoing {
  writeHead(status: number, headers: Record<string, string>): unknown;
  end(text: string): unknown;
}

async function bodyOf(request: Request): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const isPath = (path: string): path is CapabilityPath => Object.hasOwn(capabilityEndpoints, path);

function answerTo(error: unknown): Answer {
  if (error instanceof Error && "answer" in error) return error.answer as Answer;
  if (error instanceof CountersignError) return { status: error.status, body: { response_msg: error.message } };
  return { status: 500, body: { response_msg: String(error) } };
}

/** The URI of the certificate that the handshake proved. */
function identityOf(request: Request): string | undefined {
  const { socket } = request;
  const tlsSocket = socket instanceof TLSSocket ? socket : (request as Http2ServerRequest).stream?.session?.socket;
  if (!(tlsSocket instanceof TLSSocket) || !tlsSocket.authorized) return undefined;
  const { raw } = tlsSocket.getPeerCertificate();
  return /URI:(\S+)/.exec(new X509Certificate(raw).subjectAltName ?? "")?.[1];
}

import { CountersignError, defined } from "@countersign/protocol";
import type { CapabilityResponse } from "@countersign/protocol/capability";
import { requestAuthorization, requestStub } from "../../core/capability/authorization.ts";
import { authenticateCapabilityCaller, certifiedCaller } from "../../core/capability/caller.ts";
import type { CapabilityServices } from "../../core/capability/capability-services.ts";
import { type IssuedIdentity, mintForRealm, refreshCaller, requestIdentity } from "../../core/capability/identity.ts";
import { publishedRoots, rootSigner } from "../../core/capability/root-keys.ts";
import { signToken } from "../../core/capability/signoff.ts";
import { verifyChainToken, verifyToken } from "../../core/capability/verify.ts";
import type { Call, Route } from "../route.ts";
import { type CapabilityCall, capabilityRoute } from "./capability-route.ts";
import { shapes } from "./shapes.ts";

/** The endpoints of capability tokens, as the clients of Hessra know them, with their words. */
export const capabilityRoutes: readonly Route[] = [
  capabilityRoute({
    path: "/public_key",
    summary: "The keys that verify capability tokens, the one that signs now first",
    security: "none",
    response: shapes.publicKey,
    cors: "any",
    run: ({ services }) => publicKeys(services),
  }),
  capabilityRoute({
    path: "/ca_cert",
    summary: "The authority of the server's own certificate",
    security: "none",
    response: shapes.caCert,
    cors: "any",
    run: ({ services: { serverAuthority } }) => {
      if (serverAuthority === undefined) throw new CountersignError("not_found", { hint: NO_AUTHORITY });
      return { response_msg: "CA certificate provided", ca_cert_pem: serverAuthority };
    },
  }),
  capabilityRoute({
    path: "/request_token",
    summary: "An authorization token for the caller",
    security: "identity",
    grant: "capability authorization",
    body: shapes.right,
    response: shapes.token,
    status: 201,
    cors: "configured",
    caller: (call) => callerOf(call, call.message.domain),
    async run({ message: { resource, operation }, peer, services }, caller) {
      const request = { resource, operation, address: peer.address };
      const { token, pendingSignoffs } = await requestAuthorization(request, caller, services);
      const pending = pendingSignoffs.length === 0 ? {} : { pending_signoffs: pendingSignoffs };
      return { response_msg: "Token issued", token, ...pending };
    },
  }),
  capabilityRoute({
    path: "/verify_token",
    summary: "Whether an authorization token grants an operation",
    security: "none",
    body: shapes.question,
    response: shapes.judged,
    cors: "configured",
    async run({ message, services }) {
      await verifyToken(message, services);
      return { response_msg: "Token validated" };
    },
  }),
  capabilityRoute({
    path: "/verify_service_chain_token",
    summary: "Whether an authorization token grants an operation, at a service of its resource's chain",
    security: "none",
    body: shapes.chainQuestion,
    response: shapes.judged,
    cors: "configured",
    async run({ message, services }) {
      await verifyChainToken(message, services);
      return { response_msg: "Service chain token validated" };
    },
  }),
  capabilityRoute({
    path: "/sign_token",
    summary: "The signoff of this authority under an authorization token",
    security: "identity",
    grant: "capability signoff",
    body: shapes.signing,
    response: shapes.signed,
    caller: (call) => callerOf(call),
    async run({ message, peer, services }, caller) {
      const { token } = await signToken({ ...message, address: peer.address }, caller, services);
      return { response_msg: "Token signed", signed_token: token };
    },
  }),
  capabilityRoute({
    path: "/request_identity_token",
    summary: "An identity token for the identity of the client certificate",
    security: "identity",
    grant: "capability identity",
    body: shapes.identity,
    response: shapes.issuedIdentity,
    caller: ({ peer, services }) => certifiedCaller(peer, services),
    async run({ message: { identifier }, peer, services }, caller) {
      return rendered(await requestIdentity({ identifier, address: peer.address }, caller, services));
    },
  }),
  capabilityRoute({
    path: "/refresh_identity_token",
    summary: "A fresh identity token for one that nobody has appended to",
    security: "none",
    grant: "capability refresh",
    body: shapes.refresh,
    response: shapes.issuedIdentity,
    cors: "configured",
    caller: ({ message, peer, services }) => refreshCaller({ token: message.current_token, peer }, services),
    async run({ message: { identifier }, peer, services }, caller) {
      return rendered(await requestIdentity({ identifier, address: peer.address }, caller, services));
    },
  }),
  capabilityRoute({
    path: "/mint_identity_token",
    summary: "An identity token for one beneath the realm that asks, restricted to it",
    security: "identity",
    grant: "capability identity",
    body: shapes.realmIdentity,
    response: shapes.issuedIdentity,
    caller: (call) => callerOf(call),
    async run({ message: { subject, duration }, peer, services }, caller) {
      return rendered(await mintForRealm({ subject, seconds: duration, address: peer.address }, caller, services));
    },
  }),
  capabilityRoute({
    path: "/request_stub",
    summary: "An authorization token for one beneath the realm that asks, good once a prefix is added",
    security: "identity",
    grant: "capability stub",
    body: shapes.stub,
    response: shapes.issuedStub,
    caller: (call) => callerOf(call),
    run: ({ message, peer, services }, caller) => stub(message, { peer, services }, caller),
  }),
  capabilityRoute({
    path: "/health",
    summary: "Whether the process answers, where the clients of capability tokens ask so",
    security: "none",
    response: shapes.health,
    run: () => ({ status: "ok", version: "1" }),
  }),
];

const NO_AUTHORITY =
  "This server hands out no authority of its certificate; a public one issued it, or tls.ca is not set";

const BEARER_SHAPE = /^bearer +(\S+)$/i;

/** Any other Authorization header proves nobody here; a token that is none is refused as one. */
function callerOf({ request, peer, services }: Call, domain?: string) {
  const authorization = request.headers.get("authorization");
  const bearer = authorization === null ? undefined : (BEARER_SHAPE.exec(authorization)?.[1] ?? "");
  return authenticateCapabilityCaller({ bearer, domain }, peer, services);
}

function rendered({ token, lifetimeMs, identity }: IssuedIdentity): CapabilityResponse<"/request_identity_token"> {
  return { response_msg: "Identity token issued", token, expires_in: lifetimeMs / 1000, identity };
}

type StubCall = CapabilityCall<"/request_stub">;

async function stub(
  {
    target_identity: target,
    resource,
    operation,
    prefix_attenuator_key: prefixKey,
    duration: seconds,
  }: StubCall["message"],
  { peer, services }: Pick<StubCall, "peer" | "services">,
  caller: Parameters<typeof requestStub>[1],
): Promise<CapabilityResponse<"/request_stub">> {
  const request = { target, resource, operation, prefixKey, seconds, address: peer.address };
  const { token, lifetimeMs } = await requestStub(request, caller, services);
  return {
    response_msg: "Stub token issued",
    token,
    expires_in: lifetimeMs / 1000,
    target_identity: target,
    prefix_attenuator_key: prefixKey,
  };
}

/** Clients read `public_key`; the other members are for those who know that keys rotate. */
async function publicKeys(services: CapabilityServices) {
  const { key } = await rootSigner(services);
  const roots = publishedRoots(services.keys);
  const inOrder = [
    ...roots.filter(({ publicKey }) => publicKey.equals(key.publicKey)),
    ...roots.filter(({ publicKey }) => !publicKey.equals(key.publicKey)),
  ];
  return {
    response_msg: "Public key provided",
    public_key: key.publicKey.toPem(),
    public_keys: inOrder.map(({ rootKeyId, publicKey }) => ({
      root_key_id: rootKeyId,
      public_key: publicKey.toString(),
    })),
    ...defined({ signoff: signoffOf(services) }),
  };
}

function signoffOf({ keys, config: { capability } }: CapabilityServices) {
  const [first] = publishedRoots(keys, "signoffs");
  if (capability.component === undefined || first === undefined) return undefined;
  return { component: capability.component, public_key: first.publicKey.toString() };
}

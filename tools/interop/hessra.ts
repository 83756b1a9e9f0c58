import { spawnSync } from "node:child_process";
import { KeyPair } from "@countersign/biscuit";
import { makeCertificates, serveCapability } from "../../examples/capability/served.ts";
import { type HessraCall, type HessraPy, type HessraSettings, startHessraPy } from "./hessra/python.ts";
import { runTrials, type Trial } from "./trial.ts";

const alice = "uri:urn:test:alice";
const agent = `${alice}:agent1`;

/** What the trials are made of. */
interface Scene {
  readonly hessra: HessraPy;
  /** A client with the certificate of alice, without the public key. */
  readonly certified: HessraSettings;
  /** A client without a certificate, with the public key. */
  readonly anonymous: HessraSettings;
  /** A client whose certificate another authority issued. */
  readonly stranger: HessraSettings;
  readonly gateway: HessraSettings;
  readonly chain: string;
}

const shown = ({ ok, error }: { readonly ok?: unknown; readonly error?: string }): string =>
  error ?? (typeof ok === "string" ? ok : (JSON.stringify(ok) ?? "nothing"));

/** What a trial needs of earlier calls; without it, what the call said is the error. */
async function tokenOf(asked: ReturnType<HessraPy["ask"]>): Promise<string> {
  const { ok, error } = await asked;
  if (typeof ok === "string") return ok;
  if (typeof ok === "object" && ok !== null && "token" in ok && typeof ok.token === "string") return ok.token;
  throw new Error(error ?? "no token");
}

function trials(scene: Scene): readonly Trial[] {
  const { hessra, certified, anonymous, stranger, gateway, chain } = scene;
  const call = (client: HessraSettings, name: string, ...args: HessraCall["args"]) =>
    hessra.ask({ client, call: name, args });
  const trial = (id: string, expect: string, run: () => ReturnType<HessraPy["ask"]>): Trial => ({
    id,
    expect,
    run: async () => shown(await run()),
  });
  const identity = () => tokenOf(call(certified, "request_identity_token", null));
  const delegated = async () => tokenOf(call(anonymous, "attenuate_identity_token", await identity(), agent, 600));
  const ordersToken = () => tokenOf(call(certified, "request_token_simple", "orders", "read"));
  const chainToken = () => tokenOf(call(certified, "request_token_simple", "order_service", "read"));
  const attested = async () =>
    tokenOf(call(gateway, "attest_service_chain_token", await chainToken(), "order_service"));
  return [
    trial("GET /public_key", "-----BEGIN PUBLIC KEY-----", () => call(certified, "get_public_key")),
    trial("/request_identity_token", `"identity":"${alice}"`, () => call(certified, "request_identity_token", null)),
    trial("the same with the lifetime that its command sends", `"token":"`, () =>
      call(certified, "request_identity_token", "600"),
    ),
    trial("/refresh_identity_token without a certificate", `"identity":"${alice}"`, async () =>
      call(anonymous, "refresh_identity_token", await identity(), null),
    ),
    trial("/refresh_identity_token of a delegated token", "400 Bad Request", async () =>
      call(anonymous, "refresh_identity_token", await delegated(), null),
    ),
    trial("verify_identity_token_local of our token", "null", async () =>
      call(anonymous, "verify_identity_token_local", await identity(), alice),
    ),
    trial("and of one that it delegated", "null", async () =>
      call(anonymous, "verify_identity_token_local", await delegated(), agent),
    ),
    trial("/request_token", "null", async () =>
      call(anonymous, "verify_token_local", await ordersToken(), alice, "orders", "read"),
    ),
    trial("/request_token for what is not allowed", "Unauthorized or unknown resource: nothing", () =>
      call(certified, "request_token_simple", "nothing", "read"),
    ),
    trial("/request_token with a delegated identity, which it shortens", "null", async () => {
      const token = await tokenOf(call(anonymous, "request_token_with_identity", "reports", "read", await delegated()));
      return call(anonymous, "verify_token_local", token, agent, "reports", "read");
    }),
    trial("a delegate has no rights of its parent", "Unauthorized or unknown resource: orders", async () =>
      call(anonymous, "request_token_with_identity", "orders", "read", await delegated()),
    ),
    trial("a certificate and another's identity token", "Identity mismatch", async () =>
      call({ ...certified, setup: true }, "request_token_with_identity", "reports", "read", await delegated()),
    ),
    trial("/verify_token", "Token validated", async () =>
      call(certified, "verify_token_remote", await ordersToken(), alice, "orders", "read"),
    ),
    trial("/verify_token of another right", "401 Unauthorized", async () =>
      call(certified, "verify_token_remote", await ordersToken(), alice, "orders", "write"),
    ),
    trial("verify_token without a public key", "null", async () =>
      call(certified, "verify_token", await ordersToken(), alice, "orders", "read"),
    ),
    trial("/verify_service_chain_token", "Service chain token validated", async () =>
      call(certified, "verify_service_chain_token_remote", await attested(), alice, "order_service", null),
    ),
    trial("/verify_service_chain_token without the attestation", "401 Unauthorized", async () =>
      call(certified, "verify_service_chain_token_remote", await chainToken(), alice, "order_service", null),
    ),
    trial("verify_service_chain_token_local", "null", async () => {
      const args = [await attested(), alice, "order_service", "read", chain, null];
      return call(anonymous, "verify_service_chain_token_local", ...args);
    }),
    trial("a certificate of another authority is answered", "HTTP error: 401", () =>
      call(stranger, "request_token_simple", "orders", "read"),
    ),
  ];
}

async function driveAuthority(hessra: HessraPy): Promise<number> {
  const gateway = await KeyPair.generate();
  const certificates = makeCertificates();
  await using served = await serveCapability({ certificates, policy: policyWith(gateway.publicKey.toString()) });
  const { cert, key } = certificates.client(alice);
  const foreign = makeCertificates().client(alice);
  const base = { base_url: "127.0.0.1", port: served.port, server_ca: certificates.ca };
  const certified = { ...base, mtls_cert: cert, mtls_key: key };
  const { ok } = await hessra.ask({ client: certified, call: "get_public_key", args: [] });
  const anonymous = { ...base, public_key: String(ok) };
  return await runTrials(
    "hessra-py 0.2.1",
    trials({
      hessra,
      certified,
      anonymous,
      stranger: { ...base, mtls_cert: foreign.cert, mtls_key: foreign.key },
      gateway: { ...anonymous, personal_keypair: gateway.privateKey.revealPem() },
      chain: JSON.stringify([{ component: "gateway", public_key: gateway.publicKey.toString() }]),
    }),
  );
}

function policyWith(gateway: string) {
  return {
    format: "countersign-policy/1",
    version: 1,
    subjects: [{ id: alice, delegation: true }, { id: agent }],
    components: { gateway: { public_key: gateway } },
    resources: { order_service: { chain: ["gateway"] } },
    rules: [
      { id: "alice", subjects: [alice], resources: ["orders", "order_service"], operations: ["read"] },
      { id: "agent", subjects: [agent], resources: ["reports"], operations: ["read"] },
    ],
  };
}

/** Installs hessra-py, the published client of Hessra for Python, and drives our authority with it over mTLS. */
export async function tryHessraPy(): Promise<number> {
  const python = spawnSync("python3", ["--version"]);
  if (python.status !== 0) {
    console.log("FAILED hessra-py: there is no python3 to install it with");
    return 1;
  }
  await using hessra = await startHessraPy();
  return await driveAuthority(hessra);
}

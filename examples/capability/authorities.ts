import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { KeyPair } from "@countersign/biscuit";
import { makeCertificates, serveCapability } from "./served.ts";

/** Whom the client's certificate names. */
const alice = "urn:example:alice";

/** Who may do what. Nobody inherits: an agent has the rights that it is given here, and no more. */
function policyOf(gateway: string, ledger: string) {
  return {
    format: "countersign-policy/1",
    version: 1,
    subjects: [
      { id: alice, delegation: true },
      { id: `${alice}:laptop` },
      { id: `${alice}:agent`, delegation: true },
      { id: `${alice}:agent:search` },
    ],
    components: { gateway: { public_key: gateway }, ledger: { public_key: ledger } },
    resources: { invoices: { chain: ["gateway", "ledger"] } },
    rules: [
      { id: "alice", subjects: [alice, `${alice}:laptop`], resources: ["notes"], operations: ["read", "write"] },
      { id: "agent", subjects: [`${alice}:agent`], resources: ["notes"], operations: ["read"] },
      { id: "search", subjects: [`${alice}:agent:search`], resources: ["notes"], operations: ["read"] },
      { id: "invoices", subjects: [alice], resources: ["invoices"], operations: ["read"] },
      { id: "payments", subjects: [alice], resources: ["payments"], operations: ["pay"] },
    ],
  } as const;
}

/** The authority of the finance department signs payments of alice off, and nothing else. */
const financePolicy = {
  format: "countersign-policy/1",
  version: 1,
  rules: [{ id: "payments", kinds: ["signoff"], subjects: [alice], resources: ["payments"], operations: ["pay"] }],
} as const;

/** Two authorities that know each other, and what a client needs to talk to them. */
export interface Authorities extends AsyncDisposable {
  /** Variables for `Countersign.fromEnv()`, for the command, and for the services of the examples. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Starts both over mTLS, and writes certificates and keys into a folder. */
export async function startAuthorities(folder: string): Promise<Authorities> {
  const certificates = makeCertificates();
  const [gateway, ledger] = [await KeyPair.generate(), await KeyPair.generate()];
  const policy = policyOf(gateway.publicKey.toString(), ledger.publicKey.toString());
  const main = await serveCapability({ certificates, policy });
  const finance = await serveCapability({
    certificates,
    policy: financePolicy,
    capability: { component: "finance", issuers: [await rootKeyOf(main.authority)] },
  });
  const { component, public_key } = await signoffOf(finance.authority);
  const signoffs = [{ component, public_key, authorization_service: finance.address }];
  const resources = { ...policy.resources, payments: { signoffs } };
  await main.authority.services.policy.set({ ...policy, version: 2, resources }, { actor: "setup" });
  const { cert, key } = certificates.client(alice);
  const files = {
    "ca.crt": certificates.ca,
    "alice.crt": cert,
    "alice.key": key,
    "gateway.pem": gateway.privateKey.revealPem(),
    "ledger.pem": ledger.privateKey.revealPem(),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 });
  return {
    variables: {
      COUNTERSIGN_BASE_URL: main.address,
      COUNTERSIGN_SERVER_CA_FILE: join(folder, "ca.crt"),
      COUNTERSIGN_MTLS_CERT_FILE: join(folder, "alice.crt"),
      COUNTERSIGN_MTLS_KEY_FILE: join(folder, "alice.key"),
      GATEWAY_KEY_FILE: join(folder, "gateway.pem"),
      LEDGER_KEY_FILE: join(folder, "ledger.pem"),
    },
    async [Symbol.asyncDispose]() {
      await main[Symbol.asyncDispose]();
      await finance[Symbol.asyncDispose]();
    },
  };
}

type Served = Awaited<ReturnType<typeof serveCapability>>["authority"];

interface PublicKeys {
  readonly public_keys: readonly { readonly public_key: string }[];
  readonly signoff?: { readonly component: string; readonly public_key: string };
}

async function publicKeysOf(authority: Served): Promise<PublicKeys> {
  const response = await authority.fetch(new Request("https://localhost/public_key"));
  return (await response.json()) as PublicKeys;
}

async function rootKeyOf(authority: Served): Promise<string> {
  const [first] = (await publicKeysOf(authority)).public_keys;
  if (first === undefined) throw new Error("Cannot find a root key: the authority has none");
  return first.public_key;
}

async function signoffOf(authority: Served) {
  const { signoff } = await publicKeysOf(authority);
  if (signoff === undefined) throw new Error("Cannot find a signoff key: the authority signs nothing off");
  return signoff;
}

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { KeyPair, PrivateKey } from "@countersign/biscuit";
import { startAuthorities } from "../../examples/capability/authorities.ts";
import { makeCertificates, serveCapability } from "../../examples/capability/served.ts";
import { runTrials, type Trial } from "./trial.ts";

const VERSION = "0.3.7";
const alice = "uri:urn:test:alice";
const agent = `${alice}:agent1`;

/** The command `hessra` of crates.io: `HESSRA_BIN`, or built by cargo into a folder of its own. */
function installed(folder: string): string | undefined {
  const { HESSRA_BIN } = process.env;
  if (HESSRA_BIN) return HESSRA_BIN;
  if (spawnSync("cargo", ["--version"]).status !== 0) return undefined;
  console.log(`cargo builds hessra ${VERSION}, which takes some minutes`);
  const args = ["install", "hessra", "--version", VERSION, "--locked", "--debug", "--quiet", "--root", folder];
  const { status } = spawnSync("cargo", args, { stdio: "inherit" });
  return status === 0 ? join(folder, "bin", "hessra") : undefined;
}

/** Runs the command in a home of its own, and gives what it printed. */
function commandIn(bin: string, home: string) {
  return async (words: readonly string[], stdin = ""): Promise<string> => {
    const child = spawn(bin, words, { env: { HOME: home, PATH: process.env.PATH ?? "" }, stdio: "pipe" });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output += chunk;
      });
    }
    child.stdin.end(stdin);
    await once(child, "close");
    return output.replace(/\s+/g, " ");
  };
}

function trialsOf(hessra: (words: readonly string[], stdin?: string) => Promise<string>, home: string, port: number) {
  const at = ["--server", "127.0.0.1"];
  const [ca, cert, key] = ["ca.crt", "me.crt", "me.key"].map((file) => join(home, file));
  const tls = ["--port", `${port}`, "--ca", ca ?? ""];
  const mtls = [...tls, "--cert", cert ?? "", "--key", key ?? ""];
  const request = ["authorize", "request", "-r", "orders", "-o", "read", ...at];
  const trial = (id: string, expect: string, ...words: readonly string[]): Trial => ({
    id,
    expect,
    run: () => hessra(["--json", ...words]),
  });
  return [
    trial("identity authenticate", `"identity": "${alice}"`, "identity", "authenticate", ...at, ...mtls),
    trial("with --ttl", `"success": true`, "identity", "authenticate", ...at, ...mtls, "--ttl", "600"),
    trial("identity delegate", `"saved": true`, "identity", "delegate", "-i", agent, "--save-as", "agent", ...at),
    trial("identity verify", `"valid": true`, "identity", "verify", "--token-name", "agent", "-i", agent, ...at),
    trial("identity inspect", `"status": "valid"`, "identity", "inspect", ...at),
    trial("config set default_ca_path", `"success": true`, "config", "set", "default_ca_path", ca ?? ""),
    trial("identity refresh", `"expires_in": 3600`, "identity", "refresh", ...at, "--port", `${port}`),
    trial(
      "identity refresh of a delegated token",
      "400",
      "identity",
      "refresh",
      "--token-name",
      "agent",
      ...at,
      "--port",
      `${port}`,
    ),
    trial("authorize request with the identity token", `"success": true`, ...request, ...tls),
    trial(
      "authorize request of what is not allowed",
      "Unauthorized or unknown resource: nothing",
      "authorize",
      "request",
      "-r",
      "nothing",
      "-o",
      "read",
      ...at,
      ...tls,
    ),
    trial("authorize request of a delegate", "Unauthorized", ...request, ...tls, "-i", "agent"),
    trial("identity mint", `"success": true`, "identity", "mint", "-s", `${alice}:user1`, ...at, ...mtls),
    {
      id: "authorize verify of what it got",
      expect: `"success": true`,
      run: async () => {
        const token = (await hessra([...request, ...tls, "--token-only"])).trim();
        return hessra(["--json", "authorize", "verify", "-s", alice, "-r", "orders", "-o", "read", ...at], token);
      },
    },
  ] satisfies readonly Trial[];
}

const policy = {
  format: "countersign-policy/1",
  version: 1,
  roles: { member: {} },
  subjects: [{ id: alice, delegation: true }, { id: agent }],
  realms: [{ id: alice, roles: ["member"] }],
  rules: [
    { id: "alice", subjects: [alice], resources: ["orders"], operations: ["read"] },
    { id: "members", roles: ["member"], resources: ["notes"], operations: ["read"] },
  ],
};

/** What the crates must say of a call, against the authority that has it. */
const EXPECTED: Readonly<Record<"plain" | "realm", Readonly<Record<string, string>>>> = {
  plain: {
    setup: "()",
    request_token: '"',
    "verify_token local": "()",
    verify_token_remote: "Token validated",
    "another operation": "error: Invalid response: HTTP error: 401",
    request_identity_token: 'identity: Some("urn:example:alice")',
    refresh_identity_token: "expires_in: Some(3600)",
    attenuate_identity_token: '"',
    identity: "Token issued",
    request_token_with_signoffs: '"',
    "the payment": "()",
    attest_service_chain_token: '"',
    verify_service_chain_token_local: "()",
    verify_service_chain_token_remote: "Service chain token validated",
    "client health": 'status: "ok"',
    "client fetch_public_key": '"ed25519/',
    "client request_token": "Token issued",
    "client verify_token": "Token validated",
    "client request_identity_token": "expires_in: Some(3600)",
    "client request_token_with_identity": "Token issued",
    "client refresh_identity_token": "expires_in: Some(3600)",
  },
  realm: {
    mint_domain_restricted_identity_token: "expires_in: Some(60)",
    request_stub_token: "expires_in: Some(60)",
  },
};

/** The driver of `hessra-sdk` 0.11.2 and `hessra-client` 0.2.0: `DRIVE_HESSRA_BIN`, or built by cargo. */
function driver(folder: string): string | undefined {
  const { DRIVE_HESSRA_BIN } = process.env;
  if (DRIVE_HESSRA_BIN) return DRIVE_HESSRA_BIN;
  const cwd = fileURLToPath(new URL("./hessra/crates/", import.meta.url));
  const env = { ...process.env, CARGO_TARGET_DIR: folder };
  const { status } = spawnSync("cargo", ["build", "--locked", "--quiet"], { cwd, env, stdio: "inherit" });
  return status === 0 ? join(folder, "debug", "drive-hessra") : undefined;
}

async function saidBy(bin: string, variables: Readonly<Record<string, string>>): Promise<ReadonlyMap<string, string>> {
  const child = spawn(bin, {
    env: { PATH: process.env.PATH ?? "", ...variables },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  await once(child, "close");
  const lines = output.split("\n").filter((line) => line !== "");
  return new Map(
    lines.map((line) => JSON.parse(line) as { call: string; said: string }).map(({ call, said }) => [call, said]),
  );
}

async function driveWith(bin: string, variables: Readonly<Record<string, string>>, of: keyof typeof EXPECTED) {
  const said = await saidBy(bin, variables);
  const trials = Object.entries(EXPECTED[of]).map(([id, expect]): Trial => {
    return { id, expect, run: async () => said.get(id) ?? "nothing" };
  });
  return runTrials("hessra-sdk 0.11.2, hessra-client 0.2.0", trials);
}

async function tryLibraries(folder: string): Promise<number> {
  const bin = driver(join(folder, "target"));
  if (bin === undefined) {
    console.log("FAILED hessra-sdk: cargo could not build its driver; set DRIVE_HESSRA_BIN to one that was built");
    return 1;
  }
  await using authorities = await startAuthorities(folder);
  const { variables } = authorities;
  const [host = "", port = ""] = (variables.COUNTERSIGN_BASE_URL ?? "").split(":");
  const { COUNTERSIGN_SERVER_CA_FILE: CA = "", COUNTERSIGN_MTLS_CERT_FILE: CERT = "" } = variables;
  const { COUNTERSIGN_MTLS_KEY_FILE: KEY = "", GATEWAY_KEY_FILE: GATEWAY = "", LEDGER_KEY_FILE = "" } = variables;
  const publicKey = async (path: string) =>
    (await PrivateKey.fromPem(await readFile(path, "utf8")).publicKey()).toString();
  const nodes = [
    { component: "gateway", public_key: await publicKey(GATEWAY) },
    { component: "ledger", public_key: await publicKey(LEDGER_KEY_FILE) },
  ];
  const PREFIX_KEY = (await KeyPair.generate()).publicKey.toString();
  const common = { HOST: host, CA, CERT, KEY, GATEWAY, CHAIN: JSON.stringify(nodes), PREFIX_KEY };
  const failures = await driveWith(bin, { ...common, PORT: port, ME: "urn:example:alice" }, "plain");
  const certificates = makeCertificates();
  await using realm = await serveCapability({ certificates, policy });
  const { cert, key } = certificates.client(alice);
  const files = { CA: certificates.ca, CERT: cert, KEY: key };
  const paths = Object.fromEntries(Object.keys(files).map((name) => [name, join(folder, `realm-${name}`)]));
  for (const [name, text] of Object.entries(files)) await writeFile(paths[name] ?? "", text, { mode: 0o600 });
  const own = { ...common, ...paths, PORT: `${realm.port}`, ME: alice };
  return failures + (await driveWith(bin, own, "realm"));
}

/** Builds the command `hessra` and the libraries of crates.io, and drives our authority with them over mTLS. */
export async function tryHessraCrates(): Promise<number> {
  const home = await mkdtemp(join(tmpdir(), "countersign-hessra-"));
  try {
    const bin = installed(join(home, "cargo"));
    if (bin === undefined) {
      console.log("FAILED hessra: cargo is not here, or could not build it; set HESSRA_BIN to one that was built");
      return 1;
    }
    const certificates = makeCertificates();
    await using served = await serveCapability({ certificates, policy });
    const { cert, key } = certificates.client(alice);
    for (const [name, text] of Object.entries({ "ca.crt": certificates.ca, "me.crt": cert, "me.key": key })) {
      await writeFile(join(home, name), text, { mode: 0o600 });
    }
    const failures = await runTrials(`hessra ${VERSION}`, trialsOf(commandIn(bin, home), home, served.port));
    return failures + (await tryLibraries(home));
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

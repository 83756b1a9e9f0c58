import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { makeCommands } from "../../examples/test/commands.ts";
import { type MovableAuthority, serveMovable, withAnotherSubject } from "./authority.ts";
import { runTrials, type Trial } from "./trial.ts";

const minuteMs = 60_000;
const dayMs = 1440 * minuteMs;
const source = fileURLToPath(new URL("./vault/", import.meta.url));
const example = fileURLToPath(new URL("../../examples/04-vault.sh", import.meta.url));

/** Builds Vault's jwt auth method from its published module, and shows it our tokens. Resolves to the failures. */
export async function tryVault(): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), "countersign-vault-"));
  try {
    const program = join(directory, "vault-jwt");
    execFileSync("go", ["build", "-o", program, "."], { cwd: source, stdio: "inherit" });
    return await tryMethod(program);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function tryMethod(program: string): Promise<number> {
  const running = spawn(program, { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [vault] = (await once(createInterface(running.stdout), "line")) as [string];
    // A day ago, so that there is a token which has expired.
    await using authority = await serveMovable(-dayMs);
    const expired = await authority.token({ token: { audience } });
    authority.moveClock(0);
    return await runTrials("Vault", trials(vault, authority, expired));
  } finally {
    running.kill();
  }
}

const audience = ["vault"];

function trials(vault: string, authority: MovableAuthority, expired: string): readonly Trial[] {
  const { url } = authority;
  const write = (path: string, fields: object) => post(`${vault}/v1/auth/jwt/${path}`, fields);
  const login = (role: string, jwt: string) => write("login", { role, jwt });
  const setRole = (name: string, fields: object) =>
    write(`role/${name}`, { role_type: "jwt", user_claim: "sub", ...fields });
  const config = { oidc_discovery_url: url, bound_issuer: url };
  const accepted = (alias: string) => `"alias":"${alias}"`;
  const algorithms = (["ES256", "EdDSA", "RS256", "PS256"] as const).map(
    (algorithm): Trial => ({
      id: `a token signed with ${algorithm}`,
      expect: accepted(algorithm),
      run: async () => login("open", await authority.token({ clientId: algorithm, token: { audience, algorithm } })),
    }),
  );
  return [
    {
      id: "examples/04-vault.sh, word for word",
      expect: accepted("vault-example"),
      run: () => runExample(vault, authority),
    },
    {
      id: "another subject",
      expect: "subject",
      run: async () => login("vault-example", await authority.token({ clientId: "other", token: { audience } })),
    },
    {
      id: "an algorithm that the configuration does not name",
      expect: "unexpected algorithm",
      async run() {
        await write("config", { ...config, jwt_supported_algs: "ES256" });
        return login(
          "vault-example",
          await authority.token({ clientId: "ed", token: { audience, algorithm: "EdDSA" } }),
        );
      },
    },
    {
      id: "a configuration without a list of algorithms, and a role that binds the audience",
      expect: "204",
      run: async () => `${await write("config", config)} ${await setRole("open", { bound_audiences: "vault" })}`,
    },
    { id: "another audience", expect: "audience", run: async () => login("open", await authority.token({})) },
    { id: "an expired token", expect: "expired", run: () => login("open", expired) },
    {
      id: "a changed token",
      expect: "signature",
      run: async () => login("open", withAnotherSubject(await authority.token({ token: { audience } }))),
    },
    {
      id: "a key for ML-DSA-65 beside the others",
      expect: "ML-DSA-65",
      run: async () => (await authority.services.keys.rotate("ML-DSA-65", "interop", { now: true })).algorithm,
    },
    ...algorithms,
    {
      id: "a token from after a rotation",
      expect: accepted("rotated"),
      async run() {
        await authority.services.keys.rotate("ES256", "interop", { now: true });
        return login("open", await authority.token({ clientId: "rotated", token: { audience } }));
      },
    },
    {
      id: "a role without bound_audiences",
      expect: "no audiences bound",
      async run() {
        await setRole("unbound", { bound_subject: "aud" });
        return login("unbound", await authority.token({ clientId: "aud", token: { audience } }));
      },
    },
    {
      id: "a plain token, bound by client_id",
      expect: accepted("plain"),
      async run() {
        await setRole("plain", { user_claim: "client_id", bound_claims: { client_id: "plain" } });
        return login("plain", await authority.token({ clientId: "plain", token: { profile: "plain" } }));
      },
    },
    {
      id: "a token from ten minutes ahead",
      expect: "not yet valid",
      async run() {
        authority.moveClock(10 * minuteMs);
        const early = await authority.token({ token: { audience } });
        authority.moveClock(0);
        return login("open", early);
      },
    },
    {
      id: "a bound_issuer with a slash too many",
      expect: "issuer",
      async run() {
        await write("config", { ...config, bound_issuer: `${url}/` });
        return login("open", await authority.token({ token: { audience } }));
      },
    },
    {
      id: "a discovery URL with a slash too many",
      expect: "400",
      run: () => write("config", { oidc_discovery_url: `${url}/` }),
    },
    {
      id: "a token of the jwt-issuer face by its own key set",
      expect: accepted("vishpat"),
      async run() {
        await write("config", { jwks_url: `${url}/auth/jwks`, bound_issuer: "" });
        await setRole("jwt_vishpat", { bound_subject: "vishpat" });
        return login("jwt_vishpat", await authority.issuerToken("vishpat"));
      },
    },
  ];
}

/** The last line is what Vault answered to the login. */
async function runExample(vault: string, { url, adminPassword }: MovableAuthority): Promise<string> {
  const commands = await makeCommands();
  try {
    const { stdout } = await promisify(execFile)("sh", [example], {
      env: {
        ...process.env,
        PATH: `${commands.path}:${process.env.PATH}`,
        COUNTERSIGN_URL: url,
        COUNTERSIGN_PASSWORD: adminPassword,
        VAULT_ADDR: vault,
      },
    });
    return stdout.trim().split("\n").at(-1) ?? "";
  } finally {
    await commands.remove();
  }
}

async function post(url: string, fields: object): Promise<string> {
  const response = await fetch(url, { method: "POST", body: JSON.stringify(fields) });
  return `${response.status} ${(await response.text()).trim()}`;
}

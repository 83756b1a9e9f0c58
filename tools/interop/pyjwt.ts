import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type MovableAuthority, serveMovable, withAnotherSubject } from "./authority.ts";
import { runTrials, type Trial } from "./trial.ts";

const dayMs = 86_400_000;
const source = fileURLToPath(new URL("./pyjwt/", import.meta.url));

/** Installs PyJWT into an environment of its own, and shows it our tokens. Resolves to the failures. */
export async function tryPyJwt(): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), "countersign-pyjwt-"));
  try {
    execFileSync("python3", ["-m", "venv", directory], { stdio: "inherit" });
    const python = join(directory, "bin", "python");
    const install = ["-m", "pip", "install", "--quiet", "--requirement", join(source, "requirements.txt")];
    execFileSync(python, install, { stdio: "inherit" });
    return await tryVerifier(python);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** What the Python program is asked. */
interface Question {
  readonly token: string;
  readonly jwks_url: string;
  readonly algorithms: readonly string[];
  readonly issuer?: string;
  readonly audience?: string;
  readonly first_key?: boolean;
}

async function tryVerifier(python: string): Promise<number> {
  const running = spawn(python, [join(source, "verify.py")], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    const lines = createInterface(running.stdout);
    const ask = async (question: Question) => {
      running.stdin.write(`${JSON.stringify(question)}\n`);
      const [answer] = (await once(lines, "line")) as [string];
      return answer;
    };
    // A day ago, so that there is a token which has expired.
    await using authority = await serveMovable(-dayMs);
    const expired = await authority.token({});
    authority.moveClock(0);
    return await runTrials("PyJWT", trials(ask, authority, expired));
  } finally {
    running.kill();
  }
}

function trials(
  ask: (question: Question) => Promise<string>,
  authority: MovableAuthority,
  expired: string,
): readonly Trial[] {
  const { url } = authority;
  const common = { jwks_url: `${url}/.well-known/jwks.json`, issuer: url, audience: url, algorithms: ["ES256"] };
  const verify = async (token: string, changes: Partial<Question> = {}) => ask({ ...common, token, ...changes });
  const algorithms = (["ES256", "EdDSA", "RS256", "PS256"] as const).map(
    (algorithm): Trial => ({
      id: `a token signed with ${algorithm}`,
      expect: `accepted: sub ${algorithm}`,
      run: async () =>
        verify(await authority.token({ clientId: algorithm, token: { algorithm } }), { algorithms: [algorithm] }),
    }),
  );
  return [
    ...algorithms,
    {
      id: "another algorithm than the one that is pinned",
      expect: "InvalidAlgorithmError",
      run: async () => verify(await authority.token({ token: { algorithm: "EdDSA" } })),
    },
    {
      id: "another audience",
      expect: "InvalidAudienceError",
      run: async () => verify(await authority.token({}), { audience: "https://other.example" }),
    },
    {
      id: "another issuer",
      expect: "InvalidIssuerError",
      run: async () => verify(await authority.token({}), { issuer: `${url}/` }),
    },
    { id: "an expired token", expect: "ExpiredSignatureError", run: () => verify(expired) },
    {
      id: "a changed token",
      expect: "InvalidSignatureError",
      run: async () => verify(withAnotherSubject(await authority.token({}))),
    },
    {
      id: "a token of the jwt-issuer face, as its README verifies it",
      expect: "accepted: sub vishpat",
      run: async () =>
        ask({
          token: await authority.issuerToken("vishpat"),
          jwks_url: `${url}/auth/jwks`,
          algorithms: ["ES256"],
          first_key: true,
        }),
    },
  ];
}

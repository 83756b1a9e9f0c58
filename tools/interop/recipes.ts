import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type MovableAuthority, serveMovable, withAnotherSubject } from "./authority.ts";
import { runTrials, type Trial } from "./trial.ts";

const dayMs = 86_400_000;
const page = fileURLToPath(new URL("../../docs/verify-in-other-languages.md", import.meta.url));
const modules = fileURLToPath(new URL("../../node_modules", import.meta.url));
const drivers = fileURLToPath(new URL("./recipes/", import.meta.url));
const pyJwt = fileURLToPath(new URL("./pyjwt/requirements.txt", import.meta.url));
const audience = "https://recipe.example";

/** A program that verifies one token a line with a block of the page, in a directory of its own. */
interface Recipe {
  readonly name: string;
  /** How its block begins. */
  readonly block: RegExp;
  /** Builds the program around the block; resolves to its command line. */
  build(directory: string, block: string): Promise<readonly [string, ...string[]]>;
}

const recipes: readonly Recipe[] = [
  {
    name: "jose",
    block: /```js\n/,
    async build(directory, block) {
      await symlink(modules, join(directory, "node_modules"));
      await writeFile(join(directory, "verify.mjs"), block);
      await copyFile(join(drivers, "main.mjs"), join(directory, "main.mjs"));
      return [process.execPath, join(directory, "main.mjs")];
    },
  },
  {
    name: "PyJWT",
    block: /```python\n/,
    async build(directory, block) {
      const python = join(directory, "bin", "python");
      execFileSync("python3", ["-m", "venv", directory], { stdio: "inherit" });
      execFileSync(python, ["-m", "pip", "install", "--quiet", "--requirement", pyJwt], { stdio: "inherit" });
      await writeFile(join(directory, "verify.py"), block);
      await copyFile(join(drivers, "main.py"), join(directory, "main.py"));
      return [python, join(directory, "main.py")];
    },
  },
  {
    name: "golang-jwt",
    block: /```go\n/,
    async build(directory, block) {
      await Promise.all(
        ["go.mod", "go.sum", "main.go"].map((file) => copyFile(join(drivers, file), join(directory, file))),
      );
      await writeFile(join(directory, "verify.go"), block);
      execFileSync("go", ["build", "-o", "verify", "."], { cwd: directory, stdio: "inherit" });
      return [join(directory, "verify")];
    },
  },
  {
    name: "Nimbus",
    block: /```java\n(?=(?:import .*\n)+\nfinal class NimbusVerifier)/,
    build: (...given) => java("nimbus", ...given),
  },
  {
    name: "Spring",
    block: /```java\n(?=(?:import .*\n)+\nfinal class SpringDecoder)/,
    build: (...given) => java("spring", ...given),
  },
];

/** The driver of one block, compiled with it. */
async function java(
  which: "nimbus" | "spring",
  directory: string,
  block: string,
): Promise<readonly [string, ...string[]]> {
  const driver = which === "nimbus" ? "Nimbus.java" : "Spring.java";
  await Promise.all(
    ["pom.xml", driver, "Main.java"].map((file) => copyFile(join(drivers, file), join(directory, file))),
  );
  const name = /final class (\w+)/.exec(block)?.[1] ?? "";
  await writeFile(join(directory, `${name}.java`), block);
  const list = ["-q", "-B", "dependency:build-classpath", "-Dmdep.outputFile=classpath.txt"];
  execFileSync("mvn", list, { cwd: directory, stdio: "inherit" });
  const classpath = `${directory}:${(await readFile(join(directory, "classpath.txt"), "utf8")).trim()}`;
  execFileSync("javac", ["-cp", classpath, driver, "Main.java", `${name}.java`], { cwd: directory, stdio: "inherit" });
  return ["java", "-cp", classpath, driver.replace(".java", "")];
}

/** Takes the blocks out of docs/verify-in-other-languages.md and shows them our tokens. Resolves to the failures. */
export async function tryRecipes(): Promise<number> {
  // A day ago, so that there is a token which has expired.
  await using authority = await serveMovable(-dayMs);
  const expired = await authority.token({ token: { audience: [audience] } });
  authority.moveClock(0);
  const text = await readFile(page, "utf8");
  let failures = 0;
  for (const recipe of recipes) failures += await tryRecipe(recipe, text, authority, expired);
  return failures;
}

async function tryRecipe(recipe: Recipe, text: string, authority: MovableAuthority, expired: string): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), "countersign-recipe-"));
  const begin = recipe.block.exec(text);
  if (begin === null) throw new Error(`Cannot find the block of ${recipe.name} on the page`);
  const rest = text.slice(begin.index + begin[0].length);
  const block = rest
    .slice(0, rest.indexOf("```"))
    .replaceAll("https://id.example.com", authority.url)
    .replaceAll("https://api.example.com", audience);
  try {
    const [program, ...words] = await recipe.build(directory, block);
    const running = spawn(program, words, { cwd: directory, stdio: ["pipe", "pipe", "inherit"] });
    const lines = createInterface(running.stdout);
    const ask = async (token: string) => {
      running.stdin.write(`${token}\n`);
      const [answer] = (await once(lines, "line")) as [string];
      return answer;
    };
    try {
      return await runTrials(recipe.name, trials(ask, authority, expired));
    } finally {
      running.kill();
    }
  } finally {
    await rm(directory, { recursive: true });
  }
}

type TokenSettings = NonNullable<Parameters<MovableAuthority["token"]>[0]["token"]>;

function trials(
  ask: (token: string) => Promise<string>,
  authority: MovableAuthority,
  expired: string,
): readonly Trial[] {
  const token = (settings: TokenSettings = {}, clientId?: string) =>
    authority.token({ ...(clientId === undefined ? {} : { clientId }), token: { audience: [audience], ...settings } });
  const refused = (id: string, make: () => Promise<string>): Trial => ({
    id,
    expect: "refused",
    run: async () => ask(await make()),
  });
  const good: Trial = {
    id: "a token for this API",
    expect: "accepted: sub ",
    run: async () => ask(await token()),
  };
  return [
    good,
    refused("typ: JWT", () => token({ profile: "jwt" })),
    refused("another audience", () => token({ audience: ["https://other.example"] })),
    refused("another algorithm of the authority", () => token({ algorithm: "EdDSA" })),
    refused("an expired token", async () => expired),
    refused("a changed token", async () => withAnotherSubject(await token())),
    refused("another issuer", async () => {
      await using other = await serveMovable(0);
      return await other.token({ token: { audience: [audience] } });
    }),
    { ...good, id: "another good one after those" },
  ];
}

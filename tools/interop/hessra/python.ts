import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("./", import.meta.url));

/** How a client of hessra-py is made. */
export interface HessraSettings {
  readonly base_url: string;
  readonly port: number;
  readonly server_ca: string;
  readonly mtls_cert?: string;
  readonly mtls_key?: string;
  readonly public_key?: string;
  readonly personal_keypair?: string;
  /** Whether it fetches the public key. */
  readonly setup?: boolean;
}

/** A call of one of its methods; with `count` it is timed, and `args` has the arguments of several calls. */
export interface HessraCall {
  readonly client: HessraSettings;
  readonly call: string;
  readonly args: readonly unknown[];
  readonly count?: number;
}

/** hessra-py 0.2.1, which is hessra-sdk 0.10.1, in a process of its own. */
export interface HessraPy extends AsyncDisposable {
  /** Calls it, and gives what it says: `{ok}`, or `{error}`. */
  ask(call: HessraCall): Promise<{ readonly ok?: unknown; readonly error?: string }>;
}

/** Installs hessra-py from PyPI into a folder of its own, and starts it. @throws when pip cannot */
export async function startHessraPy(): Promise<HessraPy> {
  const directory = await mkdtemp(join(tmpdir(), "countersign-hessra-py-"));
  try {
    execFileSync("python3", ["-m", "venv", directory], { stdio: ["ignore", "ignore", "inherit"] });
    const python = join(directory, "bin", "python");
    const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"];
    execFileSync(python, [...install, "--requirement", join(source, "requirements.txt")], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    return started(python, directory);
  } catch (error) {
    await rm(directory, { recursive: true });
    throw error;
  }
}

function started(python: string, directory: string): HessraPy {
  const running = spawn(python, [join(source, "drive.py")], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface(running.stdout);
  return {
    async ask(call) {
      running.stdin.write(`${JSON.stringify(call)}\n`);
      const [line] = (await once(lines, "line")) as [string];
      return JSON.parse(line) as { readonly ok?: unknown; readonly error?: string };
    },
    async [Symbol.asyncDispose]() {
      const ended = once(running, "exit");
      running.stdin.end();
      await ended;
      await rm(directory, { recursive: true });
    },
  };
}

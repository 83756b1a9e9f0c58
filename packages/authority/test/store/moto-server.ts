import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, renameSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../../../tools/moto/", import.meta.url));
const site = join(folder, "site");

/** A server of moto on loopback. */
export interface MotoServer {
  readonly endpoint: string;
  stop(): void;
}

/** Why there is none, where it cannot be run: it is installed where CI=true or COUNTERSIGN_MOTO=install, as it is large. */
export function motoRefusal(): string | undefined {
  if (existsSync(site)) return undefined;
  if (process.env.CI !== "true" && process.env.COUNTERSIGN_MOTO !== "install") {
    return "moto is not installed: COUNTERSIGN_MOTO=install has this test install it into tools/moto/site (120 MB)";
  }
  const draft = `${site}.${process.pid}`;
  const words = ["-m", "pip", "install", "-q", "--no-warn-conflicts", "--root-user-action=ignore", "--target", draft];
  const { status, error } = spawnSync("python3", [...words, "-r", join(folder, "requirements.txt")], {
    stdio: ["ignore", 2, 2],
  });
  if (status === 0) {
    renameSync(draft, site);
    return undefined;
  }
  rmSync(draft, { recursive: true, force: true });
  return `pip cannot install moto: ${error?.message ?? `exit code ${status}`}`;
}

export async function startMoto(): Promise<MotoServer> {
  const port = await freePort();
  const server = spawn("python3", ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)], {
    env: { ...process.env, PYTHONPATH: site },
    stdio: "ignore",
  });
  const endpoint = `http://127.0.0.1:${port}`;
  await untilReady(endpoint, server);
  const stop = () => {
    server.kill("SIGKILL");
  };
  process.once("exit", stop);
  return { endpoint, stop };
}

async function untilReady(endpoint: string, server: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    const answered = await fetch(endpoint).then(
      () => true,
      () => false,
    );
    if (answered) return;
    if (server.exitCode !== null) throw new Error(`moto ended at once: ${server.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("moto did not begin to answer");
}

async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("Cannot find a free port");
  return address.port;
}

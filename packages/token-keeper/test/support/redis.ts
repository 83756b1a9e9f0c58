import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { aFolder } from "./context.ts";

const installed = spawnSync("redis-server", ["--version"]).status === 0;

/** Why Redis cannot be tested here; in CI that is a failure, not a reason. */
export const redisMissing = installed || process.env.CI === "true" ? false : "redis-server is not installed";

/** A real Redis on a socket of its own, gone when disposed. */
export async function startRedis(): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await aFolder();
  const path = join(folder.path, "redis.sock");
  const server = spawn("redis-server", ["--port", "0", "--unixsocket", path, "--save", "", "--dir", folder.path]);
  const ended = once(server, "exit");
  await new Promise<void>((resolve, reject) => {
    server.stdout.on("data", (chunk) => /ready to accept connections/i.test(`${chunk}`) && resolve());
    server.on("exit", (code) => reject(new Error(`redis-server ended: ${code}`)));
  });
  return {
    path,
    async [Symbol.asyncDispose]() {
      server.kill();
      await ended;
      await folder[Symbol.asyncDispose]();
    },
  };
}

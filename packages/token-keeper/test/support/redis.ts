import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { Redis } from "ioredis";
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

/** Two ports that were free a moment ago: a cluster wants one for its clients and one for its nodes. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    // listen() on a port gives an address of this kind.
    ports.push((server.address() as AddressInfo).port);
  }
  for (const server of servers) server.close();
  return [ports[0] ?? 0, ports[1] ?? 0];
}

/** A real Redis cluster of one node, gone when disposed. */
export async function startRedisCluster(): Promise<AsyncDisposable & { readonly port: number }> {
  const folder = await aFolder();
  const [port, nodes] = await freePorts();
  const cluster = [
    "--cluster-enabled",
    "yes",
    "--cluster-port",
    `${nodes}`,
    "--bind",
    "127.0.0.1",
    "--cluster-announce-ip",
    "127.0.0.1",
  ];
  const server = spawn("redis-server", ["--port", `${port}`, ...cluster, "--save", "", "--dir", folder.path]);
  const ended = once(server, "exit");
  const said = (text: RegExp) =>
    new Promise<void>((resolve, reject) => {
      server.stdout.on("data", (chunk) => text.test(`${chunk}`) && resolve());
      server.on("exit", (code) => reject(new Error(`redis-server ended: ${code}`)));
    });
  await said(/ready to accept connections/i);
  const complete = said(/Cluster state changed: ok/i);
  const admin = new Redis(port, "127.0.0.1");
  await admin.call("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
  admin.disconnect();
  await complete;
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.kill();
      await ended;
      await folder[Symbol.asyncDispose]();
    },
  };
}

import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { cachedSource, publicClient, refreshTokenSource, systemClock } from "@countersign/token-keeper";
import { fileCache } from "@countersign/token-keeper/node";
import { build } from "esbuild";
import { startAuthority } from "./support/authority.ts";
import { aContext, aFolder, aSource } from "./support/context.ts";
import { startTokenServer } from "./support/token-server.ts";

interface Report {
  readonly token?: string;
  readonly error?: string;
  readonly at?: number;
}

/** Processes of one kind; who dies is replaced. */
async function startHerd(size: number, environment: Record<string, string>, report: (report: Report) => void) {
  const folder = await aFolder();
  const program = join(folder.path, "process.mjs");
  // One file, so that each successor of a dead process is soon at work.
  await build({
    entryPoints: [fileURLToPath(new URL("./support/fault-process.ts", import.meta.url))],
    outfile: program,
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["@countersign/source"],
  });
  const living = new Set<ChildProcess>();
  let closing = false;
  const start = () => {
    const env = { ...process.env, ...environment };
    const child = spawn(process.execPath, [program], { env, stdio: ["ignore", "inherit", "inherit", "ipc"] });
    living.add(child);
    child.on("message", (message: Report) => report(message));
    child.on("exit", () => {
      living.delete(child);
      if (!closing) start();
    });
  };
  for (let i = 0; i < size; i++) start();
  return {
    async [Symbol.asyncDispose]() {
      closing = true;
      const exits = [...living].map((child) => once(child, "exit"));
      for (const child of living) child.kill("SIGKILL");
      await Promise.all(exits);
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe("processes killed while they hold the lease", () => {
  it("cost nobody else a token", async () => {
    await using folder = await aFolder();
    const issued = new Map<string, number>();
    const done = Promise.withResolvers<void>();
    const lifetimeMs = 1_000;
    let [kills, requests] = [0, 0];
    await using server = await startTokenServer((request, count) => {
      requests++;
      // Two holders after the other die when they asked and before they published, then one lives.
      if (count % 3 !== 1 && kills < 5) {
        kills++;
        process.kill(Number(request.headers["x-pid"]), "SIGKILL");
        return "drop";
      }
      issued.set(`token-${count}`, systemClock.now() + lifetimeMs);
      return { body: { access_token: `token-${count}`, token_type: "Bearer", expires_in: lifetimeMs / 1_000 } };
    });
    const errors: Report[] = [];
    let handedOut = 0;
    const startedAt = systemClock.now();
    await using _herd = await startHerd(4, { ENDPOINT: server.tokenEndpoint, FOLDER: folder.path }, (report) => {
      if (report.token === undefined) return void errors.push(report);
      handedOut++;
      const expiresAt = issued.get(report.token);
      if (expiresAt === undefined || (report.at ?? 0) >= expiresAt) errors.push(report);
      if (kills === 5 && handedOut > 50) done.resolve();
    });
    await done.promise;
    const lifetimes = Math.ceil((systemClock.now() - startedAt) / lifetimeMs);
    assert.deepEqual(errors, []);
    assert.ok(requests <= kills + 1 + 2 * lifetimes, `${requests} requests in ${lifetimes} lifetimes`);
  });

  it("lose no login: the answer that rotated the token was lost, ten times", async () => {
    await using folder = await aFolder();
    let [kills, answers] = [0, 0];
    await using authority = await startAuthority({
      answered(request) {
        const pid = Number(request.headers.get("x-pid"));
        // Rotated, and the answer never arrives.
        if (pid > 0 && kills < 10 && ++answers % 4 === 0) {
          kills++;
          process.kill(pid, "SIGKILL");
        }
      },
    });
    const grants = ["password", "refresh_token"] as const;
    const { client } = await authority.client({ authMethod: "none", grants, scopes: ["offline_access"] });
    await authority.user("ada", "correct horse battery");
    const refreshToken = await authority.login(client.clientId, "ada", "correct horse battery");
    const done = Promise.withResolvers<void>();
    const errors: Report[] = [];
    const environment = {
      ENDPOINT: `${authority.issuer}/oauth/token`,
      FOLDER: folder.path,
      LOGIN: refreshToken,
      CLIENT: client.clientId,
    };
    {
      await using _herd = await startHerd(3, environment, (report) => {
        if (report.error !== undefined) errors.push(report);
        if (kills === 10) done.resolve();
      });
      await done.promise;
    }
    assert.deepEqual(errors, []);
    const survivor = refreshTokenSource({
      tokenEndpoint: environment.ENDPOINT,
      client: publicClient(client.clientId),
      subject: "ada",
      refreshToken,
      store: fileCache({ folder: folder.path }),
    });
    assert.equal((await survivor.request(aContext({ clock: systemClock }))).tokenType, "Bearer");
  });
});

/** A small disk of its own. */
async function mountDisk(path: string): Promise<AsyncDisposable> {
  await mkdir(path);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", path]);
  return { [Symbol.asyncDispose]: async () => void execFileSync("umount", [path]) };
}

async function cannotMount(): Promise<string | false> {
  await using folder = await aFolder();
  try {
    await using _disk = await mountDisk(join(folder.path, "disk"));
    return false;
  } catch {
    return "mounting a disk takes more rights than this process has";
  }
}

describe("I19 a disk that is full or read-only", { skip: await cannotMount() }, () => {
  const faults = {
    full: {
      break: (path: string) => writeFile(join(path, "filling"), Buffer.alloc(65_536)).catch(() => undefined),
      mend: (path: string) => writeFile(join(path, "filling"), ""),
    },
    "read-only": {
      break: async (path: string) => void execFileSync("mount", ["-o", "remount,ro", path]),
      mend: async (path: string) => void execFileSync("mount", ["-o", "remount,rw", path]),
    },
  };
  for (const [name, fault] of Object.entries(faults)) {
    it(`${name}: an access token is handed out all the same, with one event for each operation`, async () => {
      await using folder = await aFolder();
      await using _disk = await mountDisk(join(folder.path, "disk"));
      await using server = await startTokenServer();
      const path = join(folder.path, "disk");
      await fault.break(path);
      const source = cachedSource(aSource(server), { caches: [fileCache({ folder: path })] });
      const context = aContext({ clock: systemClock });
      for (let i = 1; i <= 3; i++) assert.equal((await source.request(context)).accessToken.reveal(), `token-${i}`);
      const operations = context.events.flatMap((event) => (event.type === "cache_failed" ? [event.operation] : []));
      assert.equal(operations.length, new Set(operations).size);
      assert.ok(operations.length > 0);
    });

    it(`${name}: a refresh token is not spent, or not lost`, async () => {
      await using folder = await aFolder();
      await using _disk = await mountDisk(join(folder.path, "disk"));
      const path = join(folder.path, "disk");
      let current = "rt-1";
      await using server = await startTokenServer((request, count) => {
        if (request.parameters.get("refresh_token") !== current)
          return { status: 400, body: { error: "invalid_grant" } };
        current = `rt-${count + 1}`;
        return { body: { access_token: `at-${count}`, token_type: "Bearer", refresh_token: current } };
      });
      const login = () =>
        refreshTokenSource({
          tokenEndpoint: server.tokenEndpoint,
          client: publicClient("app"),
          subject: "ada",
          refreshToken: "rt-1",
          store: fileCache({ folder: path }),
        });
      const context = aContext({ clock: systemClock });
      const running = login();
      await running.request(context);
      await fault.break(path);
      await assert.rejects(running.request(context), { code: "storage_failed" });
      await fault.mend(path);
      await running.request(context);
      await login().request(context);
      assert.ok(server.received.every(({ parameters }) => parameters.get("refresh_token") !== undefined));
    });
  }
});

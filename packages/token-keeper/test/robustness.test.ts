import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { freshTokens, startTokenServer } from "./support/token-server.ts";

/** Runs beside this process, whose server must answer meanwhile. */
async function run(script: string, flags: readonly string[] = []) {
  const args = [...flags, "-C", "@countersign/source", "--input-type=module", "--eval", script];
  const child = spawn(process.execPath, args, { cwd: import.meta.dirname, timeout: 30_000 });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const [status, signal] = await once(child, "close");
  return { status, signal, stdout, stderr };
}

describe("a process", { concurrency: true }, () => {
  it("I24 ends while a watcher runs: its timers hold nothing", async () => {
    const { status, stdout, signal } = await run(`
      import { constantSource, TokenWatcher } from "@countersign/token-keeper";
      const watcher = await TokenWatcher.start(constantSource({ accessToken: "abc" }));
      console.log(watcher.token().accessToken.reveal());`);
    assert.deepEqual({ status, stdout, signal }, { status: 0, stdout: "abc\n", signal: null });
  });

  for (const [name, wait] of Object.entries({
    "for await, as the whole program": `
      let seen = 0;
      for await (const token of watcher) if (++seen === 2) break;
      console.log(seen);`,
    "for await, in a function": `
      async function main() {
        let seen = 0;
        for await (const token of watcher) if (++seen === 2) break;
        console.log(seen);
      }
      main();`,
    "changed()": "await watcher.changed(); console.log(2);",
  })) {
    it(`stays alive while ${name} waits, and ends after it`, async () => {
      const { status, stdout, stderr } = await run(`
        import { customSource, noJitter, TokenWatcher } from "@countersign/token-keeper";
        const identity = { issuer: "i", clientId: "c", grant: "g" };
        let count = 0;
        const source = customSource(async () => ({ accessToken: "t" + ++count, expiresInMs: 1_500 }), { identity });
        const watcher = await TokenWatcher.start(source, { jitter: noJitter() });
        ${wait}`);
      assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: "2\n", stderr: "" });
    });
  }

  it("takes an answer that came while its event loop was blocked past the time-out, and sends nothing twice", async () => {
    await using server = await startTokenServer();
    const { stdout, stderr } = await run(`
      import { memoryCache, publicClient, refreshTokenSource, TokenManager } from "@countersign/token-keeper";
      const source = refreshTokenSource({
        tokenEndpoint: "${server.tokenEndpoint}",
        client: publicClient("c"),
        refreshToken: "rt-1",
        subject: "ada",
        store: memoryCache(),
        timeoutMs: 1_000,
      });
      const manager = new TokenManager();
      const got = manager.getToken(source, { timeoutMs: 1_200 });
      // The request leaves, and then nothing is read for longer than anybody waits.
      await new Promise((resolve) => setTimeout(resolve, 150));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500);
      console.log((await got).accessToken.reveal());`);
    assert.deepEqual(
      { stdout, stderr, requests: server.received.length },
      { stdout: "token-1\n", stderr: "", requests: 1 },
    );
  });

  it("takes an answer that came while it was stopped (SIGSTOP)", async () => {
    const answered = Promise.withResolvers<void>();
    await using server = await startTokenServer((request, count) => {
      process.kill(Number(request.headers["x-pid"]), "SIGSTOP");
      answered.resolve();
      return freshTokens()(request, count);
    });
    const running = run(`
      import { memoryCache, publicClient, refreshTokenSource, TokenManager } from "@countersign/token-keeper";
      const source = refreshTokenSource({
        tokenEndpoint: "${server.tokenEndpoint}",
        client: publicClient("c"),
        refreshToken: "rt-1",
        subject: "ada",
        store: memoryCache(),
        timeoutMs: 500,
        fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, "x-pid": String(process.pid) } }),
      });
      console.log(process.pid);
      console.log((await new TokenManager().getToken(source, { timeoutMs: 600 })).accessToken.reveal());`);
    await answered.promise;
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    process.kill(Number(server.received[0]?.headers["x-pid"]), "SIGCONT");
    const { stdout } = await running;
    assert.match(stdout, /^\d+\ntoken-1\n$/);
    assert.equal(server.received.length, 1);
  });

  it("I24 meets no unhandled rejection when all is closed in the middle of it", async () => {
    await using server = await startTokenServer(() => new Promise(() => undefined));
    const { status, stderr } = await run(`
      import { clientCredentialsSource, memoryCache, publicClient, TokenManager, TokenWatcher } from "@countersign/token-keeper";
      const source = clientCredentialsSource({ tokenEndpoint: "${server.tokenEndpoint}", client: publicClient("c") });
      const manager = new TokenManager({ caches: [memoryCache()] });
      const watcher = new TokenWatcher(source);
      const got = manager.getToken(source).catch((error) => error.code);
      await new Promise((resolve) => setTimeout(resolve, 100));
      manager.close();
      watcher.close();
      if ((await got) !== "closed") process.exit(3);`);
    assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
  });

  it("I26 is not led by a polluted prototype", async () => {
    await using server = await startTokenServer(() => ({ body: {} }));
    const { stdout, stderr } = await run(`
      for (const [name, value] of Object.entries({ access_token: "polluted", token_type: "Bearer", expires_in: 60 }))
        Object.defineProperty(Object.prototype, name, { value, writable: true });
      const { clientCredentialsSource, publicClient, TokenManager } = await import("@countersign/token-keeper");
      const source = clientCredentialsSource({ tokenEndpoint: "${server.tokenEndpoint}", client: publicClient("c") });
      const manager = new TokenManager();
      const failed = new Promise((resolve) => manager.on("refresh_failed", resolve));
      const got = manager.getToken(source).then(() => "polluted", () => "closed");
      console.log(await Promise.race([failed.then(({ error }) => error.code), got]));
      manager.close();`);
    assert.deepEqual({ stdout, stderr }, { stdout: "invalid_response\n", stderr: "" });
  });

  // Here, as the runner follows every promise of its own process.
  it("I25 keeps no memory of 100,000 refreshes", async () => {
    const { stdout, stderr } = await run(
      `
      import { createToken, noJitter, TokenManager } from "@countersign/token-keeper";
      import { FakeClock } from "@countersign/token-keeper/testing";
      const clock = new FakeClock();
      const manager = new TokenManager({ clock, jitter: noJitter(), timers: false, minIntervalMs: 0 });
      let requests = 0;
      const source = {
        identity: { issuer: "test", clientId: "test", grant: "test" },
        request: async ({ clock }) =>
          createToken({ accessToken: "token-" + ++requests }, { issuedAt: clock.now(), lifetimeMs: 3_600_000 }),
      };
      async function heapAfter(refreshes) {
        for (let i = 0; i < refreshes; i++) manager.invalidate(source, await manager.getToken(source));
        globalThis.gc();
        return process.memoryUsage().heapUsed;
      }
      const before = await heapAfter(10_000);
      const grownBytes = (await heapAfter(100_000)) - before;
      console.log(JSON.stringify({ requests, grownBytes }));`,
      ["--expose-gc"],
    );
    assert.equal(stderr, "");
    const { requests, grownBytes } = JSON.parse(stdout);
    assert.equal(requests, 110_000);
    assert.ok(grownBytes < 5_000_000, `${grownBytes}`);
  });
});

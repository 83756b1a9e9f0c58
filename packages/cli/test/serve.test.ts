import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { run, start } from "./script-world.ts";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** The program as a process of its own, on a data directory. */
class Program implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  /** The same, and all that it wrote was read. */
  readonly exit: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  stdout = "";
  stderr = "";

  constructor(data: string, ...flags: readonly string[]) {
    const words = ["-C", "@countersign/source", main, "serve", "--listen", "127.0.0.1:0", "--data", data, ...flags];
    this.#child = spawn(process.execPath, words, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env.PATH },
    });
    this.#child.stdout?.on("data", (chunk) => {
      this.stdout += chunk;
    });
    this.#child.stderr?.on("data", (chunk) => {
      this.stderr += chunk;
    });
    this.ended = once(this.#child, "exit").then(([code, signal]) => ({ code, signal }));
    this.exit = once(this.#child, "close").then(([code, signal]) => ({ code, signal }));
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Reads its log no more, as a collector that hangs. */
  stallLog(): void {
    this.#child.stderr?.pause();
  }

  /** Reads its log no more, as a collector that died. */
  leaveLog(): void {
    this.#child.stderr?.destroy();
  }

  /** Waits for text on either stream. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
      if (found !== null) return found;
      const ended = await Promise.race([this.exit, new Promise<void>((resolve) => setTimeout(resolve, 5))]);
      if (ended !== undefined) assert.fail(`The program ended: ${this.stdout}${this.stderr}`);
    }
  }

  async port(): Promise<number> {
    return Number((await this.says(/listening at http:\/\/localhost:(\d+)/))[1]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    this.#child.stderr?.resume();
    await this.exit;
  }
}

async function withData(use: (data: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "countersign-serve-"));
  try {
    await use(join(directory, "data"));
  } finally {
    await rm(directory, { recursive: true });
  }
}

function logIn(port: number, password: string): Promise<Response> {
  const form = { grant_type: "password", client_id: "loopback", username: "admin", password, scope: "superuser" };
  return fetch(`http://localhost:${port}/oauth/token`, { method: "POST", body: new URLSearchParams(form) });
}

/** A server in this process, with its port. */
async function startedWith(words: readonly string[]) {
  const served = start(words, { COUNTERSIGN_LOG_LEVEL: "debug" });
  assert.ok(await served.printed("listening at"), served.stderr());
  return { ...served, port: Number(/listening at http:\/\/localhost:(\d+)/.exec(served.stdout())?.[1]) };
}

const passwordLine = /^admin password: ([A-Za-z0-9_-]{32})$/m;

describe("countersign serve", () => {
  it("shows the password once, on a line of its own, and never in the log", () =>
    withData(async (data) => {
      let password = "";
      {
        await using first = new Program(data, "--log-level", "debug");
        password = (await first.says(passwordLine))[1] ?? "";
        const port = await first.port();
        assert.equal((await logIn(port, password)).status, 200);
        first.kill("SIGTERM");
        assert.deepEqual(await first.exit, { code: 0, signal: null });
        assert.equal(first.stdout.split(password).length, 2);
        assert.doesNotMatch(first.stderr, new RegExp(password));
      }
      await using second = new Program(data);
      const port = await second.port();
      assert.equal((await logIn(port, password)).status, 200);
      second.kill("SIGTERM");
      await second.exit;
      assert.equal(second.stdout, `countersign is listening at http://localhost:${port}\n`);
    }));

  it("writes the password to a file that is named for it, for its owner alone, and then prints none", () =>
    withData(async (data) => {
      const file = join(data, "admin-password");
      const words = ["serve", "--listen", "localhost:0", "--data", data, "--admin-password-file", file];
      for (const which of ["first", "second"]) {
        const served = await startedWith(words);
        assert.equal(served.stdout().includes(`admin password: in ${file}; `), which === "first", served.stdout());
        assert.equal((await stat(file)).mode & 0o777, 0o600);
        const password = await readFile(file, "utf8");
        assert.match(password, /^[A-Za-z0-9_-]{32}\n$/);
        assert.ok(!`${served.stdout()}${served.stderr()}`.includes(password.trim()));
        assert.equal((await logIn(served.port, password.trim())).status, 200);
        served.stop();
        assert.equal(await served.exitCode, 0);
      }
    }));

  for (const [what, put] of [
    ["a file", (path: string) => writeFile(path, "mine")],
    ["a link", (path: string) => symlink(`${path}-target`, path)],
    ["no directory", (path: string) => rm(join(path, ".."), { recursive: true })],
  ] as const) {
    it(`refuses to write the password where there is ${what}; the next start shows one that works`, () =>
      withData(async (data) => {
        const file = join(data, "..", "place", "admin-password");
        await mkdir(join(file, ".."));
        await put(file);
        const words = ["serve", "--listen", "localhost:0", "--data", data];
        const { exitCode, stdout, stderr } = await run([...words, "--admin-password-file", file]);
        assert.deepEqual([exitCode, stdout], [1, ""]);
        assert.match(stderr, /error: cannot write the administrator's password to: .*admin-password\n/);
        await assert.rejects(readFile(`${file}-target`), { code: "ENOENT" });
        if (what === "a file") assert.equal(await readFile(file, "utf8"), "mine");
        const served = await startedWith(words);
        const password = passwordLine.exec(served.stdout())?.[1] ?? "";
        assert.equal((await logIn(served.port, password)).status, 200);
        served.stop();
        await served.exitCode;
      }));
  }

  it("serves on when nobody reads its log any more", () =>
    withData(async (data) => {
      await using program = new Program(data);
      const password = (await program.says(passwordLine))[1] ?? "";
      const port = await program.port();
      program.leaveLog();
      for (let i = 0; i < 3; i++) assert.equal((await logIn(port, password)).status, 200);
    }));

  it("ends on SIGTERM though the reader of its log hangs", () =>
    withData(async (data) => {
      await using program = new Program(data, "--log-level", "debug");
      const port = await program.port();
      program.stallLog();
      for (let i = 0; i < 3000; i++) await (await fetch(`http://localhost:${port}/health/live`)).text();
      program.kill("SIGTERM");
      // Its streams stay open here: the end of the process is what counts.
      assert.deepEqual(await program.ended, { code: 0, signal: null });
    }));

  it("opens no debugger at SIGUSR1", () =>
    withData(async (data) => {
      await using program = new Program(data);
      const port = await program.port();
      program.kill("SIGUSR1");
      assert.equal((await fetch(`http://localhost:${port}/health/live`)).status, 200);
      program.kill("SIGTERM");
      assert.deepEqual(await program.exit, { code: 0, signal: null });
      assert.doesNotMatch(program.stderr, /Debugger/);
    }));

  for (const path of ["/proc/self/no/such", "/dev/null/data"]) {
    it(`ends when the data directory cannot be made: ${path}`, async () => {
      await using program = new Program(path);
      assert.deepEqual(await program.exit, { code: 1, signal: null });
      assert.match(program.stderr, /countersign: error: cannot make the data directory: /);
    });
  }

  it("keeps its data where only its owner can read it", () =>
    withData(async (data) => {
      await using program = new Program(data);
      await program.port();
      for (const name of ["", "kek", "countersign.db"]) assert.equal((await stat(join(data, name))).mode & 0o077, 0);
    }));

  for (const moment of ["key.rotated", "authority.started", "user.registered", "client.created"]) {
    it(`killed in a first start, after ${moment}: the next start works and shows a password that works`, () =>
      withData(async (data) => {
        {
          await using killed = new Program(data);
          await killed.says(new RegExp(`"event":"${moment}"`));
        }
        await using program = new Program(data);
        const port = await program.port();
        // The first start may have come so far as to show its password; then it is known and shown no more.
        const shown = passwordLine.exec(program.stdout)?.[1];
        if (shown !== undefined) assert.equal((await logIn(port, shown)).status, 200);
        assert.equal((await fetch(`http://localhost:${port}/health/ready`)).status, 200);
      }));
  }

  it("answers nothing before the administrator and its client are made", () =>
    withData(async (data) => {
      await using program = new Program(data);
      const port = Number((await program.says(/"event":"authority.started".*http:\/\/localhost:(\d+)/))[1]);
      const answer = await logIn(port, "wrong");
      // To an authority without its loopback client this would be invalid_client.
      assert.equal(((await answer.json()) as { error: string }).error, "invalid_grant");
    }));

  it("started twice at once on an empty data directory: one serves and shows its password, the other says why not", () =>
    withData(async (data) => {
      let password = "";
      {
        await using one = new Program(data);
        await using other = new Program(data);
        const [first, second] = await Promise.race([
          one.exit.then(() => [other, one] as const),
          other.exit.then(() => [one, other] as const),
        ]);
        assert.deepEqual(await second.exit, { code: 1, signal: null });
        assert.match(second.stderr, /countersign: error: .*another server is using it/);
        assert.equal(second.stdout, "");
        password = (await first.says(passwordLine))[1] ?? "";
        assert.equal((await logIn(await first.port(), password)).status, 200);
        first.kill("SIGTERM");
        await first.exit;
      }
      await using next = new Program(data);
      assert.equal((await logIn(await next.port(), password)).status, 200);
      assert.doesNotMatch(next.stdout, passwordLine);
    }));

  it("refuses to start without the key that seals its keys, and makes no other", () =>
    withData(async (data) => {
      const started = start(["serve", "--listen", "localhost:0", "--data", data], {});
      await started.printed("admin password");
      started.stop();
      assert.equal(await started.exitCode, 0, started.stderr());
      await rm(join(data, "kek"));
      const { exitCode, stderr } = await run(["serve", "--listen", "localhost:0", "--data", data]);
      assert.equal(exitCode, 1);
      assert.match(stderr, /cannot find the key that seals the keys of this store/);
      await assert.rejects(readFile(join(data, "kek")));
    }));

  it("takes the key from COUNTERSIGN_KEY, and then writes none", () =>
    withData(async (data) => {
      const env = { COUNTERSIGN_KEY: Buffer.from("0123456789abcdef0123456789ABCDEF").toString("base64url") };
      const started = start(["serve", "--listen", "localhost:0", "--data", data], env);
      await started.printed("admin password");
      started.stop();
      assert.equal(await started.exitCode, 0, started.stderr());
      await assert.rejects(readFile(join(data, "kek")));
      const short = await run(["serve", "--listen", "localhost:0", "--data", data], { COUNTERSIGN_KEY: "abc" });
      assert.match(short.stderr, /COUNTERSIGN_KEY is not a key/);
    }));

  it("names a taken port, and makes no data directory for it", () =>
    withData(async (data) => {
      await using program = new Program(`${data}-other`);
      const port = await program.port();
      const { exitCode, stderr } = await run(["serve", "--listen", `localhost:${port}`, "--data", data]);
      assert.equal(exitCode, 1);
      assert.match(stderr, /the address is taken/);
      await assert.rejects(stat(data));
      program.kill("SIGKILL");
      await program.exit;
      await rm(`${data}-other`, { recursive: true });
    }));

  it("answers what it accepted before it ends on SIGTERM, and says meanwhile that it is not ready", () =>
    withData(async (data) => {
      await using program = new Program(data);
      const port = await program.port();
      const socket = connect(port, "127.0.0.1");
      let answer = "";
      socket.setEncoding("utf8").on("data", (chunk) => {
        answer += chunk;
      });
      // Half a request keeps the connection in use while the server closes.
      socket.write("GET /health/ready HTTP/1.1\r\nHost: localhost\r\n");
      await fetch(`http://localhost:${port}/health/live`);
      program.kill("SIGTERM");
      await refusesConnections(port);
      socket.write("\r\n");
      await once(socket, "close");
      assert.match(answer, /^HTTP\/1\.1 503 /);
      assert.deepEqual(await program.exit, { code: 0, signal: null });
      assert.match(program.stderr, /"event":"authority.stopped"/);
    }));

  it("ends when the shell of npm start ended", () =>
    withData(async (data) => {
      const words = [
        process.execPath,
        "-C",
        "@countersign/source",
        main,
        "serve",
        "--listen",
        "localhost:0",
        "--data",
        data,
      ];
      // A shell that stays beside its child, as the one of npm does.
      const shell = spawn("sh", ["-c", '"$@"; exit', "sh", ...words], {
        stdio: ["ignore", "pipe", "pipe"],
        env: { PATH: process.env.PATH, npm_lifecycle_event: "start" },
      });
      let log = "";
      shell.stderr.on("data", (chunk) => {
        log += chunk;
      });
      const ended = once(shell, "close");
      await once(shell.stdout, "data");
      shell.kill("SIGTERM");
      await ended;
      assert.match(log, /"event":"authority.stopped"/);
    }));

  it("ends at once on the second signal", () =>
    withData(async (data) => {
      await using program = new Program(data);
      const port = await program.port();
      const socket = connect(port, "127.0.0.1").on("error", () => {});
      socket.write("GET /health/ready HTTP/1.1\r\n");
      await fetch(`http://localhost:${port}/health/live`);
      program.kill("SIGTERM");
      await refusesConnections(port);
      program.kill("SIGTERM");
      assert.deepEqual(await program.exit, { code: 1, signal: null });
    }));
});

async function refusesConnections(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    const accepted = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (!accepted) return;
  }
}

import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { loopbackUrl } from "../src/loopback-url.ts";
import { welcome } from "../src/welcome.ts";
import { start } from "./script-world.ts";

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "countersign-welcome-"));
});
after(() => rm(directory, { recursive: true }));

const hasV6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));
const missing = ["bash", "curl"].filter((name) => spawnSync(name, ["--version"]).error !== undefined);
const nowhere = "These settings keep this machine from logging in with it";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** The commands that a welcome tells to try. */
function commandsIn(stdout: string): string {
  const lines = stdout.slice(stdout.indexOf("asks for the password:\n")).split("\n").slice(1);
  return lines.filter((line) => !line.includes("THE-CLIENT-ID")).join("\n");
}

describe("the welcome of a first start", () => {
  const rows: readonly {
    readonly id: string;
    readonly words: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    /** At which host the commands are, if anywhere. */
    readonly expect?: string;
  }[] = [
    { id: "as it comes", words: ["--listen", "localhost:0"], expect: "localhost" },
    {
      id: "at every address",
      words: ["--listen", "0.0.0.0:0", "--insecure-http", "--issuer", "http://id.example"],
      expect: "127.0.0.1",
    },
    {
      id: "behind a proxy at 127.0.0.1",
      words: ["--listen", "localhost:0"],
      env: { COUNTERSIGN_SERVER_TRUSTED_PROXIES: "127.0.0.1" },
      ...(hasV6 ? { expect: "[::1]" } : {}),
    },
    {
      id: "behind a proxy at 127.0.0.1, at every address",
      words: ["--listen", "0.0.0.0:0", "--insecure-http", "--issuer", "http://id.example"],
      env: { COUNTERSIGN_SERVER_TRUSTED_PROXIES: "127.0.0.1" },
    },
    {
      id: "behind proxies at both addresses",
      words: ["--listen", "localhost:0"],
      env: { COUNTERSIGN_SERVER_TRUSTED_PROXIES: "127.0.0.1,::1" },
    },
    {
      id: "without the privileges of loopback",
      words: ["--listen", "localhost:0"],
      env: { COUNTERSIGN_SERVER_LOOPBACK_PRIVILEGES: "false" },
    },
  ];
  for (const { id, words, env = {}, expect } of rows) {
    it(`tells only what works: ${id}`, {
      skip: expect !== undefined && missing.length > 0 ? `there is no ${missing} on this machine` : false,
    }, async (context) => {
      const data = await mkdtemp(join(directory, "data-"));
      const served = start(["serve", "--data", data, ...words], { ...env, COUNTERSIGN_LOG_LEVEL: "silent" });
      context.after(async () => {
        served.stop();
        await served.exitCode;
      });
      await served.printed("shown this once");
      const stdout = served.stdout();
      if (expect === undefined) {
        assert.ok(stdout.includes(nowhere), stdout);
        assert.doesNotMatch(stdout, /curl/);
        return;
      }
      assert.ok(stdout.includes(`http://${expect}:`), stdout);
      const password = /^admin password: (\S+)$/m.exec(stdout)?.[1] ?? "";
      const environment = { ...process.env, HOME: data, COUNTERSIGN_PASSWORD: password };
      const npx = `npx() { shift 2; '${process.execPath}' -C @countersign/source '${main}' "$@" && unset COUNTERSIGN_PASSWORD; }`;
      const answers = await promisify(execFile)("bash", ["--norc", "-c", `${npx}\n${commandsIn(stdout)}`], {
        env: environment,
      }).then(({ stdout: text, stderr }) => text + stderr);
      assert.match(answers, /logged in as admin until /);
      assert.match(answers, /^client secret: \S+$/m);
      assert.match(answers, /"keys":\[\{/);
    });
  }

  it("gives no commands where curl may not trust the certificate", () => {
    const url = "https://localhost:8443";
    const text = welcome({ url, issuer: url, loopbackUrl: url, adminPassword: "secret" });
    assert.match(text, /shown this once\. The client loopback logs in with it at https:\/\/localhost:8443$/m);
    assert.doesNotMatch(text, /curl/);
  });
});

describe("loopbackUrl", () => {
  const server = {
    loopback_privileges: true,
    open_metrics: false,
    trusted_proxies: [],
    forwarded_header: "x-forwarded-for" as const,
    client_certificate_header: "none" as const,
    cors_origins: [],
  };
  for (const [url, expect] of [
    ["https://0.0.0.0:443", "https://127.0.0.1"],
    ["http://[::]:8080", "http://127.0.0.1:8080"],
    ["http://127.0.0.5:8080", "http://127.0.0.5:8080"],
    ["http://192.0.2.1:8080", undefined],
    ["https://id.example.com:443", undefined],
  ] as const) {
    it(`${url}: ${expect}`, () => assert.equal(loopbackUrl(url, server), expect));
  }

  it("is none where a trusted block holds all of it", () => {
    const trusting = { ...server, trusted_proxies: ["127.0.0.0/8"] };
    assert.equal(loopbackUrl("http://127.0.0.1:8080", trusting), undefined);
  });
});

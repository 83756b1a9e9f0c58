import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { postgresServer } from "../../packages/authority/test/store/postgres-server.ts";

const bundler = fileURLToPath(new URL("../../deploy/lambda/bundle.mjs", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "lambda-"));
const server = await postgresServer();
after(async () => {
  rmSync(folder, { recursive: true });
  await server?.stop();
});
before(() => execFileSync(process.execPath, [bundler, folder]));

/** Runs the function in a process of its own, as Lambda does: an event, and what it answered. */
function invoke(env: Readonly<Record<string, string>>, ...paths: readonly string[]) {
  const program = `
    const startedAt = performance.now();
    const { handler } = await import(${JSON.stringify(join(folder, "lambda.mjs"))});
    const responses = [];
    for (const rawPath of ${JSON.stringify(paths)}) {
      const http = { method: "GET", sourceIp: "192.0.2.1" };
      const requestContext = { domainName: "id.example.com", http };
      responses.push(await handler({ version: "2.0", rawPath, rawQueryString: "", headers: {}, requestContext, isBase64Encoded: false }));
    }
    console.log(JSON.stringify({ responses, ms: performance.now() - startedAt }));
    process.exit(0);`;
  const args = ["--input-type=module", "--eval", program];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", env: { ...env, TZ: ":UTC" } });
  return { ...JSON.parse(stdout), stderr };
}

const key = Buffer.from(Array.from({ length: 32 }, (_, at) => at)).toString("base64url");

describe("the function of AWS Lambda", () => {
  it("serves from a shared store", { skip: server === undefined && "no PostgreSQL here" }, () => {
    const store = server?.location() ?? "";
    const env = { COUNTERSIGN_ISSUER: "https://id.example.com", COUNTERSIGN_KEY: key, COUNTERSIGN_STORE_URL: store };
    const { responses, stderr } = invoke(env, "/health/ready", "/.well-known/oauth-authorization-server");
    const [ready, metadata] = responses;
    assert.equal(ready.statusCode, 200, stderr);
    const text = metadata.isBase64Encoded ? Buffer.from(metadata.body, "base64").toString() : metadata.body;
    assert.equal(JSON.parse(text).issuer, "https://id.example.com");
  });

  const wrong: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [{}, /COUNTERSIGN_STORE_URL/],
    [{ COUNTERSIGN_STORE_URL: "sqlite:/tmp/data" }, /COUNTERSIGN_STORE_URL/],
    [{ COUNTERSIGN_STORE_URL: "postgres://u:s3cr3t@localhost/db" }, /COUNTERSIGN_ISSUER/],
    [
      { COUNTERSIGN_STORE_URL: "postgres://u:s3cr3t@localhost/db", COUNTERSIGN_ISSUER: "https://id.example.com" },
      /COUNTERSIGN_KEY/,
    ],
  ];
  for (const [env, names] of wrong) {
    it(`says in the log that it needs ${names.source}, with the settings ${Object.keys(env)}`, () => {
      const { responses, stderr } = invoke(env, "/health/live");
      assert.equal(responses[0].statusCode, 503);
      assert.match(stderr, names);
      assert.ok(!stderr.includes("s3cr3t"));
    });
  }
});

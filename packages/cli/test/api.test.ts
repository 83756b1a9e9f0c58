import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { run } from "./script-world.ts";

/** A server that is no authority: it answers everything with this. */
function withStranger(body: string, use: (url: string) => Promise<void>): Promise<void> {
  return withServer((_request, response) => response.end(body), use);
}

async function withServer(listener: RequestListener, use: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const page = "<html>hello</html>";

describe("a server that is no authority", () => {
  const rows = [
    { id: "a page for a token", words: ["token", "get"], body: page, at: "/oauth/token" },
    { id: "JSON without a token", words: ["token", "get"], body: "{}", at: "" },
    { id: "a page for a login", words: ["client", "list"], body: page, at: "/oauth/token" },
    { id: "a list in place of an object", words: ["client", "list"], body: "[]", at: "/oauth/token" },
    { id: "a page for a listing", words: ["client", "list"], body: page, token: "x", at: "/api/v1/client" },
    {
      id: "a page for a new client",
      words: ["client", "create", "--name", "x"],
      body: page,
      token: "x",
      at: "/api/v1/client",
    },
    { id: "a page for a change", words: ["client", "disable", "x"], body: page, token: "x", at: "/api/v1/client/x" },
    { id: "a page for keys", words: ["keys", "list"], body: page, token: "x", at: "/api/v1/keys" },
  ];
  for (const { id, words, body, token = "", at } of rows) {
    it(`is told from an authority: ${id}`, () =>
      withStranger(body, async (url) => {
        const env = { COUNTERSIGN_URL: url, COUNTERSIGN_TOKEN: token, COUNTERSIGN_PASSWORD: "a password" };
        assert.deepEqual(await run(words, env), {
          exitCode: 1,
          stdout: "",
          stderr: `countersign: error: the answer is not an authority's: ${url}${at}\ncountersign: hint: name the authority with --url, its scheme and port included\n`,
        });
      }));
  }

  it("is told from one that speaks TLS", () =>
    withStranger(page, async (url) => {
      const { exitCode, stderr } = await run(["client", "list", "--url", url.replace("http:", "https:")], {
        COUNTERSIGN_TOKEN: "x",
      });
      assert.equal(exitCode, 1);
      assert.match(stderr, /hint: it speaks no TLS: give --url http:/);
    }));
});

describe("what the authority or somebody before it says", () => {
  const refuse = (status: number, body: object, headers: Readonly<Record<string, string>> = {}) => {
    return (response: ServerResponse) => response.writeHead(status, headers).end(JSON.stringify(body));
  };
  const rows: readonly {
    readonly id: string;
    readonly answer: (response: ServerResponse) => unknown;
    readonly says: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly words?: readonly string[];
  }[] = [
    {
      id: "a refusal for now: when to come back",
      answer: refuse(
        503,
        { error: "temporarily_unavailable", error_description: "Busy; see it" },
        { "retry-after": "7" },
      ),
      says: ["error: busy", "hint: try again in 7 s"],
    },
    {
      id: "a failure: what to look for in the log",
      answer: refuse(500, { error: "server_error", error_description: "The server failed; say so", request_id: "r1" }),
      says: ["error: the server failed", "hint: say so", "hint: the request id, by which its log says why: r1"],
    },
    {
      id: "a proxy's page for an authority that does not run",
      answer: (response) => response.writeHead(502).end(page),
      says: [
        "error: the answer is not an authority's: {url}/api/v1/client (502)",
        "hint: a proxy answered: see whether the authority runs",
      ],
    },
    {
      id: "another server's 404",
      answer: (response) => response.writeHead(404).end(page),
      says: [
        "error: the answer is not an authority's: {url}/api/v1/client (404)",
        "hint: name the authority with --url, its scheme and port included",
      ],
    },
    {
      id: "a redirection: where to, and not followed",
      answer: (response) => response.writeHead(301, { location: "https://id.example.com/x" }).end(),
      says: [
        "error: the answer is a redirection, which no credential follows: {url}",
        "hint: if the authority is there, give --url https://id.example.com",
      ],
    },
    {
      id: "half an answer",
      answer: (response) => response.writeHead(200, { "content-length": "100" }).write("{", () => response.destroy()),
      says: [
        "error: cannot reach the authority: {url} (UND_ERR_SOCKET)",
        "hint: it closed the connection: if it speaks TLS, give --url https://…",
      ],
    },
    {
      id: "no to the client loopback",
      env: { COUNTERSIGN_TOKEN: "", COUNTERSIGN_PASSWORD: "x" },
      answer: refuse(401, { error: "invalid_client", error_description: "No; check it" }),
      says: [
        "error: the authority refuses the client loopback",
        "hint: it works on the authority's own machine alone, not through a proxy, and not with server.loopback_privileges off",
        "hint: elsewhere set COUNTERSIGN_TOKEN, or COUNTERSIGN_CLIENT_ID and COUNTERSIGN_CLIENT_SECRET for token get",
      ],
    },
    {
      id: "no to another client",
      words: ["token", "get", "--client-id", "ci"],
      env: { COUNTERSIGN_CLIENT_SECRET: "x" },
      answer: refuse(401, { error: "invalid_client", error_description: "No; check it" }),
      says: ["error: no", "hint: check it"],
    },
    {
      id: "no to a user who is no administrator",
      env: { COUNTERSIGN_TOKEN: "", COUNTERSIGN_USERNAME: "alice", COUNTERSIGN_PASSWORD: "x" },
      answer: refuse(400, { error: "invalid_scope", error_description: "No; ask for less" }),
      says: [
        "error: this user is no administrator: alice",
        "hint: name one with the scope superuser in COUNTERSIGN_USERNAME",
      ],
    },
    {
      id: "no to a lookup, which is no word of a user",
      words: ["user", "show", "alice"],
      answer: refuse(403, { error: "insufficient_scope", error_description: "It lacks the scope" }),
      says: ["error: it lacks the scope", "hint: administration needs a token with the scope superuser"],
    },
  ];
  for (const { id, answer, says, env = {}, words = ["client", "list"] } of rows) {
    it(id, () =>
      withServer(
        (_request, response) => answer(response),
        async (url) => {
          const { exitCode, stdout, stderr } = await run(words, {
            COUNTERSIGN_URL: url,
            COUNTERSIGN_TOKEN: "x",
            ...env,
          });
          assert.deepEqual([exitCode, stdout], [1, ""]);
          assert.equal(stderr, says.map((line) => `countersign: ${line.replace("{url}", url)}\n`).join(""));
        },
      ),
    );
  }
});

describe("plain HTTP", () => {
  const secrets = { COUNTERSIGN_TOKEN: "", COUNTERSIGN_PASSWORD: "a password", COUNTERSIGN_CLIENT_SECRET: "a secret" };
  const commands = [
    ["client", "list"],
    ["token", "get", "--client-id", "x"],
    ["token", "revoke", "x"],
    ["token", "inspect", `${base64url({ alg: "ES256" })}.${base64url({})}.${base64url({})}`],
    ["audit"],
    ["vault", "x"],
  ];
  for (const words of commands) {
    it(`takes no credential beyond loopback: ${words.slice(0, 2).join(" ")}`, async () => {
      // What is sent there stays on this machine all the same.
      const requests: string[] = [];
      const server = createServer((request, response) => {
        requests.push(request.url ?? "");
        response.end(page);
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const url = `http://0.0.0.0:${(server.address() as AddressInfo).port}`;
      const refused = await run([...words, "--url", url], secrets);
      assert.equal(refused.exitCode, 2);
      assert.match(refused.stderr, /^countersign: error: cannot use plain HTTP beyond loopback.*\n.*--insecure-http/);
      assert.deepEqual(requests, []);
      const allowed = await run([...words, "--url", url, "--insecure-http"], secrets);
      assert.equal(allowed.exitCode, 1);
      assert.equal(requests.length, 1);
      server.close();
      server.closeAllConnections();
    });
  }

  for (const host of ["localhost", "127.0.0.1", "127.9.9.9", "[::1]"]) {
    it(`is fine with ${host}`, async () => {
      const { stderr } = await run(["client", "list"], { COUNTERSIGN_URL: `http://${host}:1`, COUNTERSIGN_TOKEN: "x" });
      assert.match(stderr, /^countersign: error: cannot reach the authority/);
    });
  }

  for (const host of ["localhost.example.com", "127.0.0.1.example.com", "[::ffff:192.0.2.1]"]) {
    it(`is not fine with ${host}`, async () => {
      const { stderr } = await run(["client", "list"], { COUNTERSIGN_URL: `http://${host}`, COUNTERSIGN_TOKEN: "x" });
      assert.match(stderr, /^countersign: error: cannot use plain HTTP beyond loopback/);
    });
  }
});

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

describe("COUNTERSIGN_TOKEN", () => {
  for (const token of ["a\nb", "a b", "é"]) {
    it(`is refused before it is sent when no header can hold it: ${JSON.stringify(token)}`, async () => {
      const { exitCode, stderr } = await run(["client", "list"], { COUNTERSIGN_TOKEN: token });
      assert.equal(exitCode, 1);
      assert.match(stderr, /^countersign: error: COUNTERSIGN_TOKEN is not a token/);
    });
  }
});

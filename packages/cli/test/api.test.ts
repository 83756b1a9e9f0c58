import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { run } from "./script-world.ts";

/** A server that is no authority: it answers everything with this. */
async function withStranger(body: string, use: (url: string) => Promise<void>): Promise<void> {
  const server = createServer((_request, response) => response.end(body));
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

describe("COUNTERSIGN_TOKEN", () => {
  for (const token of ["a\nb", "a b", "é"]) {
    it(`is refused before it is sent when no header can hold it: ${JSON.stringify(token)}`, async () => {
      const { exitCode, stderr } = await run(["client", "list"], { COUNTERSIGN_TOKEN: token });
      assert.equal(exitCode, 1);
      assert.match(stderr, /^countersign: error: COUNTERSIGN_TOKEN is not a token/);
    });
  }
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { incomingRequest } from "../../src/node/incoming-request.ts";

const post = { method: "POST", url: "http://localhost/", rawHeaders: ["X-A", "1", "Host", "a", "x-a", "2"] };

describe("incomingRequest", () => {
  it("reads a body up to the limit of who asks, which may be less than the server's", async () => {
    const body = Buffer.from("abc");
    assert.equal(await incomingRequest({ ...post, body }).read(3), body);
    await assert.rejects(incomingRequest({ ...post, body }).read(2), { code: "payload_too_large" });
  });

  it("reads nothing of a message without a body", async () => {
    assert.deepEqual(await incomingRequest({ ...post, body: undefined }).read(0), new Uint8Array());
  });

  it("finds headers in any case, joins those that stand twice, and tells which are absent", () => {
    const { headers } = incomingRequest({ ...post, body: undefined });
    assert.deepEqual(
      ["x-a", "host", "x-b"].map((name) => headers.get(name)),
      ["1, 2", "a", null],
    );
    assert.deepEqual(
      ["x-a", "x-b"].map((name) => headers.has(name)),
      [true, false],
    );
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { answered, exchangeRaw, record } from "./raw-socket.ts";

/** What is said of the length where there is no body (RFC 9110 section 8.6). */
const rows: readonly (readonly [string, number, string | undefined])[] = [
  ["GET", 200, "0"],
  ["GET", 404, "0"],
  ["GET", 204, undefined],
  ["GET", 304, undefined],
  ["HEAD", 200, undefined],
];

describe("serveAuthority sends an answer without a body", () => {
  for (const [method, status, expected] of rows) {
    it(`${status} to ${method}: content-length ${expected ?? "is left out"}`, async () => {
      await using recorder = await record({}, async () => answered(null, status));
      const request = `${method} / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
      const text = await exchangeRaw(recorder.served.port, request);
      assert.equal(/^content-length: (.*)\r$/im.exec(text)?.[1], expected, text);
      assert.doesNotMatch(text, /^transfer-encoding:/im);
    });
  }
});

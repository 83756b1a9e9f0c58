import assert from "node:assert/strict";
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { describe, it } from "node:test";
import { scanHeaders } from "../../src/node/header-scan.ts";
import { judge } from "../../src/node/judge.ts";
import { defaultServerLimits } from "../../src/node/limits.ts";

/** Codings after which nobody knows where a message ends (RFC 9112 section 6.1), and one that is understood. */
const rows = [
  ["chunked", undefined],
  ["gzip", "invalid_request"],
  ["chunked, gzip", "invalid_request"],
  ["chunked;q=1", "invalid_request"],
  ["", "invalid_request"],
  ["gzip, chunked", "unsupported_transfer_coding"],
] as const;

describe("judge", () => {
  for (const [codings, refused] of rows) {
    it(`Transfer-Encoding ${JSON.stringify(codings)}: ${refused ?? "is taken"}, whatever the parser before it lets pass`, () => {
      const incoming = Object.assign(new IncomingMessage(new Socket()), {
        httpVersion: "1.1",
        method: "POST",
        url: "/",
      });
      const scan = scanHeaders(["Host", "localhost", "Transfer-Encoding", codings]);
      const verdict = judge(incoming, scan, { scheme: "http", limits: defaultServerLimits });
      assert.deepEqual(verdict, refused === undefined ? { url: "http://localhost/" } : { refused, unframed: true });
    });
  }
});

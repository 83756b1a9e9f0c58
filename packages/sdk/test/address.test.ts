import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { originOf, parseServerAddress } from "../src/address.ts";
import { SdkError } from "../src/index.ts";

const read: readonly (readonly [text: string, host: string, port: number | undefined, origin: string])[] = [
  ["id.example.com", "id.example.com", undefined, "https://id.example.com:443"],
  [" https://id.example.com/ ", "id.example.com", undefined, "https://id.example.com:443"],
  ["HTTPS://id.example.com:8443/a/b?c#d", "id.example.com", 8443, "https://id.example.com:8443"],
  ["http://127.0.0.1:4433", "127.0.0.1", 4433, "https://127.0.0.1:4433"],
  ["[::1]:8443", "::1", 8443, "https://[::1]:8443"],
  ["https://[2001:db8::1]", "2001:db8::1", undefined, "https://[2001:db8::1]:443"],
  ["::1", "::1", undefined, "https://[::1]:443"],
];

const refused: readonly (readonly [text: string, code: string])[] = [
  ["", "missing_base_url"],
  ["https://", "missing_base_url"],
  ["a b", "invalid_base_url"],
  ["user@host", "invalid_base_url"],
  ["[::1", "invalid_base_url"],
  ["[host]:1", "invalid_base_url"],
  ["host:", "invalid_port"],
  ["host:0", "invalid_port"],
  ["host:+1", "invalid_port"],
  ["[::1]:99999", "invalid_port"],
];

describe("parseServerAddress()", () => {
  for (const [text, host, port, origin] of read) {
    it(`reads ${JSON.stringify(text)}`, () => {
      const address = parseServerAddress(text);
      assert.deepEqual(address, { host, port });
      assert.equal(originOf(address), origin);
    });
  }

  for (const [text, code] of refused) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parseServerAddress(text),
        (error) => error instanceof SdkError && error.code === code,
      );
    });
  }
});

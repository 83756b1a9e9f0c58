import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeClock } from "@countersign/token-keeper/testing";
import { sendRequest } from "../src/http.ts";

describe("exchange", () => {
  for (const status of [302, 307]) {
    it(`refuses a redirection for good though its body broke off: ${status}`, async () => {
      const body = () => new ReadableStream({ start: (controller) => controller.error(new Error("reset")) });
      const request = {
        url: "https://issuer.example/token",
        method: "POST",
        headers: {},
        signal: new AbortController().signal,
        timeoutMs: 1000,
        maxBytes: 1000,
        fetch: async () => new Response(body(), { status }),
        clock: new FakeClock(),
      } as const;
      await assert.rejects(sendRequest(request), { code: "redirect_refused" });
    });
  }
});

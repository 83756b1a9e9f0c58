import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readCapabilityMessage, readCapabilityResponse } from "../../src/capability/index.ts";

const right = { resource: "invoices", operation: "read" };
const signoff = { component: "finance", authorization_service: "a.example", public_key: "ed25519/00" };
const issued = { response_msg: "issued", token: "t" };

const good: readonly (readonly [name: string, read: () => unknown, expected: unknown])[] = [
  ["without what may be absent", () => readCapabilityMessage("/request_token", right), right],
  ["null as absence", () => readCapabilityMessage("/request_token", { ...right, domain: null }), right],
  ["no member that is not named", () => readCapabilityMessage("/request_token", { ...right, more: 1 }), right],
  [
    "no operation of a service chain",
    () => readCapabilityMessage("/verify_service_chain_token", { token: "t", subject: "s", resource: "r" }),
    { token: "t", subject: "s", resource: "r" },
  ],
  [
    "a list",
    () => readCapabilityResponse("/request_token", { ...issued, pending_signoffs: [signoff] }),
    { ...issued, pending_signoffs: [signoff] },
  ],
  [
    "zero seconds",
    () => readCapabilityResponse("/request_identity_token", { ...issued, expires_in: 0 }),
    { ...issued, expires_in: 0 },
  ],
];

const bad: readonly (readonly [path: string, read: () => unknown])[] = [
  ["the message", () => readCapabilityMessage("/request_token", null)],
  ["the message", () => readCapabilityMessage("/request_token", [])],
  ["resource", () => readCapabilityMessage("/request_token", { operation: "read" })],
  ["resource", () => readCapabilityMessage("/request_token", Object.create(right))],
  ["operation", () => readCapabilityMessage("/request_token", { ...right, operation: 7 })],
  ["response_msg", () => readCapabilityResponse("/verify_token", { response_msg: null })],
  ["expires_in", () => readCapabilityResponse("/request_identity_token", { ...issued, expires_in: -1 })],
  ["expires_in", () => readCapabilityResponse("/request_identity_token", { ...issued, expires_in: 1.5 })],
  ["pending_signoffs", () => readCapabilityResponse("/request_token", { ...issued, pending_signoffs: {} })],
  [
    "pending_signoffs[0].public_key",
    () =>
      readCapabilityResponse("/request_token", {
        ...issued,
        pending_signoffs: [{ ...signoff, public_key: undefined }],
      }),
  ],
];

describe("messages of the capability endpoints", () => {
  for (const [name, read, expected] of good) it(`reads ${name}`, () => assert.deepEqual(read(), expected));

  for (const [index, [path, read]] of bad.entries()) {
    it(`refuses ${path} of a wrong form (${index})`, () => {
      assert.throws(read, (error: { code?: string; data?: { path?: string } }) => {
        return error.code === "invalid_request" && error.data?.path === path;
      });
    });
  }
});

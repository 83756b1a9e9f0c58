import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { randomSecret, toBase64url } from "@countersign/protocol";
import { seededRandom } from "@countersign/protocol/testing";
import { nameable } from "../../src/audit/nameable.ts";
import { testAuthority } from "../../src/testing.ts";

const random = seededRandom("nameable");
const jwt = `${toBase64url(Buffer.from('{"alg":"ES256"}'))}.${toBase64url(Buffer.from('{"sub":"a"}'))}.c2ln`;
const refresh = `csr_${randomSecret(random, 16)}.0.${randomSecret(random)}.${randomSecret(random, 16)}`;
const base64 = (text: string) => Buffer.from(text).toString("base64");

const rows: readonly { readonly id: string; readonly text: string; readonly named: boolean }[] = [
  { id: "a client id", text: "backend", named: true },
  { id: "a long client id of words", text: "my-production-backend-for-invoices-01", named: true },
  { id: "a UUID", text: "9b2f0c1e-8a4d-4f6b-9a51-0d2c7e1f3a44", named: true },
  { id: "a UUID without dashes", text: "9b2f0c1e8a4d4f6b9a510d2c7e1f3a44", named: true },
  { id: "a name in capitals and small letters", text: "MyProductionBackendForInvoices", named: true },
  { id: "an audience", text: "https://api.example.com/v2", named: true },
  { id: "an audience with a port", text: "https://api.example.com:8443/v2", named: true },
  { id: "a URN", text: "urn:example:service:1", named: true },
  { id: "a scope", text: "https://www.example.com/auth/calendar.readonly", named: true },
  { id: "letters of another script", text: "bücher", named: true },
  { id: "a secret of a client", text: randomSecret(random), named: false },
  { id: "43 letters", text: "a".repeat(43), named: false },
  { id: "a secret in a longer text", text: `shop.${randomSecret(random)}.x`, named: false },
  { id: "a made password or invitation", text: "Zk3v9Q_wT7mXc2Lr8Bn-5HyD", named: false },
  { id: "a refresh token", text: refresh, named: false },
  { id: "the beginning of a refresh token", text: refresh.slice(0, 12), named: false },
  { id: "a JWT", text: jwt, named: false },
  { id: "the beginning of a JWT", text: jwt.slice(0, 16), named: false },
  { id: "credentials of Basic", text: base64("shop:hunter2"), named: false },
  { id: "credentials of Basic as base64url", text: toBase64url(Buffer.from("shop:pass>?word")), named: false },
  { id: "a key in base64", text: "bm/Kq8+3fT1dV0xUo2eZ7g==", named: false },
  { id: "a key in hexadecimal", text: "0f".repeat(32), named: false },
  { id: "a text that is too long", text: "a ".repeat(200), named: false },
  { id: "257 letters", text: "abcdefghij/".repeat(24).slice(0, 257), named: false },
  { id: "256 letters", text: "abcdefghij.".repeat(24).slice(0, 256), named: true },
  { id: "a line break", text: "a\nb", named: false },
  { id: "an escape", text: "a\u001b[2Jb", named: false },
  { id: "a turn of the writing direction", text: "a\u202eb", named: false },
  { id: "half of a surrogate pair", text: "a\ud800", named: false },
];

describe("nameable: what of a stranger's text the log may show", () => {
  for (const { id, text, named } of rows) {
    it(`${named ? "names" : "withholds"} ${id}`, () => assert.equal(nameable(text), named ? text : undefined));
  }

  it("withholds random secrets of every length that is in use, but for a few in a thousand of the shortest", () => {
    for (const [bytes, most] of [
      [15, 12],
      [18, 6],
      [24, 1],
      [32, 0],
    ] as const) {
      const named = Array.from({ length: 2000 }, () => nameable(randomSecret(random, bytes))).filter(Boolean);
      assert.ok(named.length <= most, `${named.length} of ${bytes} bytes`);
    }
  });

  for (const text of [randomSecret(random), refresh.slice(0, 60), jwt.slice(0, 60), base64("shop:hunter12"), "a\nb"]) {
    it(`keeps ${JSON.stringify(text.slice(0, 8))}… in client_id out of everything an observer hears`, async (context) => {
      const authority = await testAuthority();
      context.after(() => authority.close());
      await authority.form("/oauth/token", { grant_type: "client_credentials", client_id: text, client_secret: "x" });
      await authority.form("/oauth/revoke", { token: "x", client_id: text, client_secret: "x" });
      assert.equal(authority.events.filter(({ name }) => /refused$/.test(name)).length, 2);
      const heard = JSON.stringify(authority.events);
      assert.ok(!heard.includes(JSON.stringify(text).slice(1, -1)), heard);
    });
  }
});

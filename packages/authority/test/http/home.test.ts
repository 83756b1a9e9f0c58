import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TEST_ISSUER, testAuthority } from "../../src/testing.ts";

async function at(accept: string | undefined, options: Parameters<typeof testAuthority>[0] = {}) {
  const authority = await testAuthority(options);
  const headers = accept === undefined ? {} : { accept };
  const response = await authority.fetch(new Request(`${TEST_ISSUER}/`, { headers }));
  const body = await response.text();
  await authority.close();
  return { type: response.headers.get("content-type") ?? "", response, body };
}

describe("GET /", () => {
  for (const [accept, type] of [
    [undefined, "application/json"],
    ["*/*", "application/json"],
    ["application/json", "application/json"],
    ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"],
    ["TEXT/HTML;q=0.5", "text/html; charset=utf-8"],
    ["text/html;q=0, */*", "application/json"],
    ["text/html5", "application/json"],
  ] as const) {
    it(`answers Accept: ${accept} with ${type}`, async () => assert.equal((await at(accept)).type, type));
  }

  it("says what this is and where its documents are, and each of them answers", async () => {
    const about = JSON.parse((await at(undefined)).body);
    assert.equal(about.name, "Countersign");
    assert.equal(about.issuer, TEST_ISSUER);
    const authority = await testAuthority();
    for (const path of [about.metadata, about.jwks_uri, about.openapi, about.health]) {
      assert.equal((await authority.fetch(new Request(new URL(path, TEST_ISSUER)))).status, 200, path);
    }
    await authority.close();
  });

  it("gives browsers a page that runs nothing, and tells caches that there are two", async () => {
    const { response, body } = await at("text/html");
    assert.match(response.headers.get("content-security-policy") ?? "", /^default-src 'none'/);
    assert.equal(response.headers.get("vary"), "Accept");
    assert.doesNotMatch(body, /<script|<style|onerror/);
  });

  it("shows the issuer as text, whatever it holds", async () => {
    const { body } = await at("text/html", { config: { issuer: `${TEST_ISSUER}/'<b>&x` } });
    assert.doesNotMatch(body, /<b>|href="[^"]*'/);
    assert.ok(body.includes("&#39;&#60;b&#62;&#38;x"));
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseConfig } from "../../src/config.ts";
import type { Route } from "../../src/http/route.ts";
import { createRouter } from "../../src/http/router.ts";
import { routesOf } from "../../src/http/routes.ts";

const [some] = routesOf(parseConfig({ issuer: "http://localhost:8080" }));
const row = (method: Route["method"], path: string): Route => ({ ...(some as Route), method, path });

const find = createRouter([
  row("GET", "/users"),
  row("POST", "/users"),
  row("GET", "/users/:id"),
  row("DELETE", "/users/:id"),
  row("GET", "/users/:id/tokens/:token"),
  row("GET", "/users/me"),
  row("GET", "/issuer:one"),
  row("GET", "/v1.0/:id"),
]);

const rows: readonly (readonly [path: string, expect: readonly [methods: string, params: object] | undefined])[] = [
  ["/users", ["GET POST", {}]],
  ["/users/u-1", ["GET DELETE", { id: "u-1" }]],
  ["/users/me", ["GET", {}]],
  ["/users/a%2Fb%C3%A9", ["GET DELETE", { id: "a/bé" }]],
  ["/users/u-1/tokens/t-1", ["GET", { id: "u-1", token: "t-1" }]],
  ["/issuer:one", ["GET", {}]],
  ["/issuer:two", undefined],
  ["/v1.0/x", ["GET", { id: "x" }]],
  ["/v1x0/x", undefined],
  ["/users/", undefined],
  ["/users/%zz", undefined],
  ["/users/%c0%ae", undefined],
  ["/users/u-1/", undefined],
  ["/users/u-1/tokens", undefined],
  ["/Users", undefined],
  ["", undefined],
];

describe("createRouter", () => {
  for (const [path, expect] of rows) {
    it(`${path || "(nothing)"}: ${expect === undefined ? "nowhere" : JSON.stringify(expect)}`, () => {
      const place = find(path);
      const found = place && [place.routes.map(({ method }) => method).join(" "), { ...place.params }];
      assert.deepEqual(found, expect);
    });
  }
});

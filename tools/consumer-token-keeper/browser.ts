/** The core alone: what a browser bundles. */
import { authorizedFetch, customSource, memoryCache, sealedCache, TokenManager } from "@countersign/token-keeper";

const source = customSource(async () => ({ accessToken: "abc", expiresInMs: 60_000 }), {
  identity: { issuer: "browser", clientId: "browser", grant: "browser" },
});
const cache = sealedCache(memoryCache(), { keys: [new Uint8Array(32)] });
const manager = new TokenManager({ caches: [cache] });
const send = authorizedFetch(manager.provider(source), {
  origins: ["https://api.example"],
  fetch: async (_input, init) => new Response(new Headers(init?.headers).get("authorization")),
});
console.log(await (await send("https://api.example/")).text());
manager.close();

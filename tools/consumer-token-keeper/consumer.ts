/** What a consumer's own program sees: the packed package alone, its types, and no condition of ours. */
import { customSource, type Token, TokenManager } from "@countersign/token-keeper";
import { fileCache } from "@countersign/token-keeper/node";
import { FakeClock } from "@countersign/token-keeper/testing";

const clock = new FakeClock();
const source = customSource(async () => ({ accessToken: "abc", expiresInMs: 60_000 }), {
  identity: { issuer: "consumer", clientId: "consumer", grant: "consumer" },
});
const manager = new TokenManager({ clock, timers: false, caches: [fileCache({ folder: "tokens" })] });
const token: Token = await manager.getToken(source);
console.log(token.authorization(), token.statusAt(clock.now()), `${token.accessToken}`);
manager.close();

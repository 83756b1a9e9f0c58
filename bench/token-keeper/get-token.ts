/**
 * How long a hit of getToken() takes, and whether ten million of them leave anything behind.
 *
 *   node --expose-gc -C @countersign/source bench/token-keeper/get-token.ts
 */
import { customSource, memoryCache, TokenManager, TokenWatcher } from "@countersign/token-keeper";

const source = customSource(async () => ({ accessToken: "abc", expiresInMs: 3_600_000 }), {
  identity: { issuer: "bench", clientId: "bench", grant: "bench" },
});
const manager = new TokenManager({ caches: [memoryCache()] });
const watcher = await TokenWatcher.start(source);
const subjects = {
  "TokenManager.getToken()": () => manager.getToken(source),
  "TokenWatcher.getToken()": () => watcher.getToken(),
};

function collected(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

for (const [name, hit] of Object.entries(subjects)) {
  for (let i = 0; i < 200_000; i++) await hit();
  const spans = new Float64Array(1_000_000);
  for (let i = 0; i < spans.length; i++) {
    const startedAt = process.hrtime.bigint();
    await hit();
    spans[i] = Number(process.hrtime.bigint() - startedAt);
  }
  spans.sort();
  const at = (share: number) => ((spans[Math.floor(spans.length * share)] ?? 0) / 1000).toFixed(2);
  const heapBefore = collected();
  const startedAt = performance.now();
  for (let i = 0; i < 10_000_000; i++) await hit();
  const meanNs = ((performance.now() - startedAt) * 1e6) / 10_000_000;
  const grownBytes = collected() - heapBefore;
  console.log(
    JSON.stringify({
      name,
      p50us: at(0.5),
      p99us: at(0.99),
      p999us: at(0.999),
      meanNs: Math.round(meanNs),
      grownBytes,
    }),
  );
  if (Number(at(0.99)) >= 5 || (globalThis.gc !== undefined && grownBytes > 1_000_000)) process.exitCode = 1;
}
manager.close();
watcher.close();

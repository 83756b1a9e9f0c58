// Measures a store alone: node -C @countersign/source bench/store.ts [SECONDS PER ROW] [LOCATION]
// Without a location it is the embedded store in a temporary directory.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { randomSecret, systemClock, systemRandom } from "@countersign/protocol";
import { keys, owners } from "../packages/authority/src/store/keys.ts";
import { openStore } from "../packages/authority/src/store/open-store.ts";
import type { Draft, Store } from "../packages/authority/src/store/store.ts";

const spanMs = 1000 * Number(process.argv[2] ?? 3);
const dayMs = 86_400_000;
const familyCount = 20_000;

interface Step {
  readonly name: string;
  readonly clients: number;
  readonly run: (client: number) => Promise<void>;
}

function shortId(): string {
  return randomSecret(systemRandom, 16);
}

/** As large as the audit record of a grant. */
function auditDraft(at: number): Draft {
  const fields = { clientId: "c_9f2e7c1a", grant: "client_credentials", scopes: ["read", "write"], jti: shortId() };
  const value = { id: shortId(), at, name: "token.issued", ...fields, address: "203.0.113.7", ttl: 900 };
  return { value, owner: owners.auditStream("bench"), expiresAt: at + 400 * dayMs };
}

/** As large as a refresh family. */
function familyDraft(userId: string): Draft {
  const names = { familyId: shortId(), userId, clientId: "c_9f2e7c1a", scopes: ["read", "offline_access"] };
  const hashes = { currentHash: randomSecret(systemRandom), previousHash: randomSecret(systemRandom) };
  const value = { ...names, ...hashes, audience: ["https://api.example.com"], deviceName: "Firefox on Linux" };
  return { value, owner: owners.familiesOf(userId), expiresAt: systemClock.now() + 14 * dayMs };
}

function steps(store: Store, families: readonly string[]): readonly Step[] {
  const insert = async () => {
    const at = systemClock.now();
    await store.swap(keys.audit("bench", shortId()), 0, auditDraft(at));
  };
  // Each client keeps to its own families, so that no swap loses.
  const rotate = (clients: number) => async (client: number) => {
    const turn = new DataView(systemRandom.bytes(4).buffer).getUint32(0) % Math.floor(families.length / clients);
    const familyId = families[turn * clients + client] ?? "";
    const item = await store.get(keys.family(familyId));
    const written = await store.swap(keys.family(familyId), item?.version ?? 0, familyDraft(familyId));
    if (written === undefined) throw new Error("A family was swapped by somebody else");
  };
  const look = async () => {
    await store.get(keys.family(families[0] ?? ""));
  };
  return [
    ...[1, 16, 64, 256].map((clients) => ({ name: "audit inserts", clients, run: insert })),
    ...[1, 16, 64, 256].map((clients) => ({ name: "family swaps", clients, run: rotate(clients) })),
    ...[1, 16, 64].map((clients) => ({ name: "gets of one item", clients, run: look })),
  ];
}

async function measure({ name, clients, run }: Step): Promise<Record<string, string | number>> {
  const spans: number[] = [];
  const startedAt = systemClock.monotonic();
  const busy = performance.eventLoopUtilization();
  const client = async (_: unknown, index: number) => {
    while (systemClock.monotonic() < startedAt + spanMs) {
      const before = systemClock.monotonic();
      await run(index);
      spans.push(systemClock.monotonic() - before);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const perSecond = (spans.length * 1000) / (systemClock.monotonic() - startedAt);
  const { utilization } = performance.eventLoopUtilization(busy);
  spans.sort((a, b) => a - b);
  const at = (share: number) => (spans[Math.floor(spans.length * share)] ?? 0).toFixed(2);
  return {
    operation: name,
    clients,
    "per second": Math.round(perSecond),
    "p50 ms": at(0.5),
    "p99 ms": at(0.99),
    "main thread busy": utilization.toFixed(2),
  };
}

const directory = await mkdtemp(join(tmpdir(), "store-bench-"));
try {
  const store = await openStore(process.argv[3] ?? `sqlite:${join(directory, "store.db")}`, { clock: systemClock });
  const families = Array.from({ length: familyCount }, shortId);
  for (let at = 0; at < familyCount; at += 2000) {
    const some = families.slice(at, at + 2000);
    await Promise.all(some.map((familyId) => store.swap(keys.family(familyId), 0, familyDraft(familyId))));
  }
  const rows = [];
  for (const step of steps(store, families)) rows.push(await measure(step));
  console.table(rows);
  await store.close();
} finally {
  await rm(directory, { recursive: true });
}

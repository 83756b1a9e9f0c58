// Runs under the shim: writes to a store while calls to its disk fail, and prints what it was told of each batch.
import assert from "node:assert/strict";
import { constants } from "node:os";
import { CountersignError, systemClock } from "@countersign/protocol";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { armFault, type Fault } from "./disk-shim.ts";

const { EIO, ENOSPC } = constants.errno;

const faults: readonly { id: string; fault: Fault; calls: readonly number[] }[] = [
  { id: "write EIO", fault: ["write", EIO], calls: [0, 1, 2, 5, 20, 60, 120, 200, 300, 400] },
  { id: "write ENOSPC", fault: ["write", ENOSPC], calls: [0, 1, 2, 5, 20, 60, 120, 200, 300, 400] },
  { id: "short write", fault: ["write", 0], calls: [0, 1, 2, 5, 20, 60, 120, 200, 300, 400] },
  { id: "fsync EIO", fault: ["sync", EIO], calls: [0, 1, 2, 3, 4] },
  { id: "fsync ENOSPC", fault: ["sync", ENOSPC], calls: [0, 1, 2, 3, 4] },
  { id: "disk full for a while", fault: ["write", ENOSPC], calls: [0, 0, 0, 0, 0, 0, 0, 0] },
];

const [path = ""] = process.argv.slice(2);
const store = await openSqliteStore({ path, clock: systemClock });

/** As much as two batches of this bring on a checkpoint now and then. */
const batchSize = 700;

/** Writes of one turn may go to several commits, of which some fail: each write counts by its own answer. */
async function writeBatch(name: string) {
  const writes = Array.from({ length: batchSize }, (_, i) =>
    store.swap(`${name}-${i}`, 0, { value: name, owner: name }),
  );
  const results = await Promise.allSettled(writes);
  const refusals = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
  const acknowledged = results.flatMap(({ status }, i) => (status === "fulfilled" ? [`${name}-${i}`] : []));
  for (const reason of refusals) {
    assert.ok(reason instanceof CountersignError && reason.code === "temporarily_unavailable", String(reason));
    assert.equal(reason.retryAfterMs, 1000);
  }
  for (const key of acknowledged) assert.equal((await store.get(key))?.value, name);
  return { outcome: refusals.length > 0 ? "refused" : "acknowledged", acknowledged };
}

const batches = [];
for (const { id, fault, calls } of faults) {
  for (const [index, call] of calls.entries()) {
    armFault(call, fault);
    for (const turn of ["first", "second", "third"]) {
      const name = `${id} ${index} ${turn}`;
      batches.push({ id, turn, ...(await writeBatch(name)) });
    }
  }
}
await store.close();
console.log(JSON.stringify(batches));

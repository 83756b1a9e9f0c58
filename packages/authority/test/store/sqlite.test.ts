import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Clock } from "@countersign/protocol";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { storeContract } from "./store-contract.ts";

storeContract("openSqliteStore", async (clock: Clock, context: TestContext): Promise<Store> => {
  const directory = await mkdtemp(join(tmpdir(), "store-"));
  const store = await openSqliteStore({ path: join(directory, "store.db"), clock });
  context.after(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });
  return store;
});

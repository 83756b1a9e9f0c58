// The process that crash.ts kills. It writes to a journal what it is about to do and what was acknowledged: the kernel
// keeps what was written, whatever becomes of the writer. A byte on its standard output stands for some progress.
import { openSync, writeSync } from "node:fs";
import { systemClock, systemRandom } from "@countersign/protocol";
import { silentObserver } from "../../src/audit/observer.ts";
import type { AuditTrail } from "../../src/audit/trail.ts";
import { createAuditTrail } from "../../src/audit/trail.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import type { Store } from "../../src/store/store.ts";

const families = 16;
const users = 4;
const linesPerByte = 32;
const [path = "", run = "", journal = ""] = process.argv.slice(2);
const descriptor = openSync(journal, "a");
let lines = 0;

function say(...words: readonly (string | number)[]): void {
  writeSync(descriptor, `${words.join(" ")}\n`);
  if (lines++ % linesPerByte === 0) writeSync(1, ".");
}

/** Two of these compete for each family: a generation may be acknowledged to one of them only. */
async function rotate(store: Store, family: number): Promise<never> {
  for (;;) {
    const item = await store.get<number>(`family ${family}`);
    const generation = (item?.value ?? 0) + 1;
    say("rotating", family, generation);
    const version = await store.swap(`family ${family}`, item?.version ?? 0, { value: generation, owner: "families" });
    if (version !== undefined) say("rotated", family, generation);
  }
}

/** Codes are created, and two of three are taken: by one of two callers each. */
async function issue(store: Store): Promise<never> {
  for (let count = 0; ; count++) {
    const code = `${run}-${count}`;
    await store.swap(`code ${code}`, 0, { value: code, owner: "codes" });
    say("created", code);
    if (count % 3 === 0) continue;
    say("taking", code);
    const taken = await Promise.all([store.take(`code ${code}`), store.take(`code ${code}`)]);
    for (const item of taken) if (item !== undefined) say("taken", code);
  }
}

/** A user is renamed on and on, each time with its names and the record in one commit. Two compete. */
async function rename(store: Store, audit: AuditTrail, user: number): Promise<never> {
  for (;;) {
    const item = await store.get<number>(`user ${user}`);
    const name = await store.get(`name ${user} ${item?.value}`);
    const next = (item?.value ?? 0) + 1;
    say("renaming", user, next);
    const changes = [
      { key: `user ${user}`, expectedVersion: item?.version ?? 0, draft: { value: next, owner: "users" } },
      { key: `name ${user} ${item?.value}`, expectedVersion: name?.version ?? 0, remove: true },
      { key: `name ${user} ${next}`, expectedVersion: 0, draft: { value: user, owner: "names" } },
    ];
    const fields = { userId: `${user}`, what: `${next}`, actor: run };
    const { failed } = await audit.commit(changes, [{ name: "user.changed", fields }]);
    if (failed === undefined) say("renamed", user, next);
  }
}

writeSync(1, "o");
const store = await openSqliteStore({ path, clock: systemClock });
const rotators = Array.from({ length: families * 2 }, (_, index) => rotate(store, index % families));
const audit = createAuditTrail({
  store,
  clock: systemClock,
  random: systemRandom,
  observer: silentObserver,
  retentionMs: 86_400_000,
});
const renamers = Array.from({ length: users * 2 }, (_, index) => rename(store, audit, index % users));
await Promise.all([...rotators, ...renamers, issue(store)]);

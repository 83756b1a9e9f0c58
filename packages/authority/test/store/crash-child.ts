// The process that crash.ts kills. It writes to a journal what it is about to do and what was acknowledged: the kernel
// keeps what was written, whatever becomes of the writer. A byte on its standard output stands for some progress.
import { openSync, writeSync } from "node:fs";
import { systemClock } from "@countersign/protocol";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import type { Store } from "../../src/store/store.ts";

const families = 16;
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

writeSync(1, "o");
const store = await openSqliteStore({ path, clock: systemClock });
const rotators = Array.from({ length: families * 2 }, (_, index) => rotate(store, index % families));
await Promise.all([...rotators, issue(store)]);

import type { TokenCache } from "@countersign/token-keeper";
import type { FakeClock } from "@countersign/token-keeper/testing";

/** A store whose first write lands when the gate is opened, and not before. */
export function aSlowStore<S extends TokenCache>(inner: S) {
  const gate = Promise.withResolvers<void>();
  let writes = 0;
  const store: S = {
    ...inner,
    async set(key: string, value: string) {
      if (writes++ === 0) await gate.promise;
      await inner.set(key, value);
    },
  };
  return { store, open: gate.resolve };
}

/** What comes of work while time passes. */
export async function passing<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  let done = false;
  const settled = work.finally(() => {
    done = true;
  });
  settled.catch(() => undefined);
  while (!done) await clock.advance(100);
  return settled;
}

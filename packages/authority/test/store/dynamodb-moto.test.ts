import assert from "node:assert/strict";
import { after, it } from "node:test";
import { FakeClock } from "@countersign/protocol/testing";
import { createDynamodbTable, openDynamodbStore } from "../../src/store/dynamodb.ts";
import type { Store } from "../../src/store/store.ts";
import { commitContract } from "./commit-contract.ts";
import { motoRefusal, startMoto } from "./moto-server.ts";

// What the SDK finds where nothing is given: emulators take any.
Object.assign(process.env, { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" });

const refusal = motoRefusal();
if (refusal === undefined) {
  const server = await startMoto();
  after(() => server.stop());
  let tables = 0;
  commitContract(
    "DynamoDB, moto, one caller at a time",
    async (context) => {
      const clock = new FakeClock();
      const place = `region=eu-central-1&endpoint=${encodeURIComponent(server.endpoint)}`;
      const location = `dynamodb:countersign-${tables++}?${place}`;
      await createDynamodbTable(location);
      const store = await openDynamodbStore({ location, clock, patienceMs: 60_000 });
      context.after(() => store.close());
      return { clock, store: oneAtATime(store) };
    },
    0.1,
  );
} else {
  it("DynamoDB, moto", { skip: process.env.CI === "true" ? false : refusal }, () => assert.fail(refusal));
}

/** moto's conditions are not atomic: of 64 parallel callers it lost an update. */
function oneAtATime(store: Store): Store {
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <Result>(call: () => Promise<Result>): Promise<Result> => {
    const next = last.then(call);
    last = next.catch(() => undefined);
    return next;
  };
  return {
    get: (key) => inTurn(() => store.get(key)),
    take: (key, version) => inTurn(() => store.take(key, version)),
    list: (owner, page) => inTurn(() => store.list(owner, page)),
    swap: (key, version, draft) => inTurn(() => store.swap(key, version, draft)),
    commit: (changes, options) => inTurn(() => store.commit(changes, options)),
    close: () => store.close(),
  };
}

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Pipeline } from "../../src/threads/pipeline.ts";

function pipeline() {
  const sent: (readonly number[])[] = [];
  const idle: number[] = [];
  const made = new Pipeline<number, string>({
    batchSize: 4,
    send: (jobs) => sent.push(jobs),
    onIdle: () => idle.push(sent.length),
  });
  const submit = (count: number) => Array.from({ length: count }, (_, job) => made.submit(job));
  return { made, sent, idle, submit };
}

const endOfTurn = () => new Promise((resolve) => setImmediate(resolve));

describe("Pipeline", () => {
  it("sends a full batch at once, before any answer, and the rest at the end of the turn", async () => {
    const { sent, submit } = pipeline();
    submit(10);
    assert.deepEqual(sent, [
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ]);
    await endOfTurn();
    assert.deepEqual(sent.slice(2), [[8, 9]]);
    await endOfTurn();
    assert.equal(sent.length, 3);
  });

  it("gives answers in the order of the jobs, however they are grouped", async () => {
    const { made, submit } = pipeline();
    const answers = submit(6);
    await endOfTurn();
    made.settle(["a"]);
    made.settle(["b", "c", "d", "e"]);
    assert.equal(made.size, 1);
    made.settle(["f"]);
    assert.deepEqual(await Promise.all(answers), ["a", "b", "c", "d", "e", "f"]);
    assert.equal(made.size, 0);
  });

  it("rejects a job whose answer is an error, and no other", async () => {
    const { made, submit } = pipeline();
    const [first, second, third] = submit(3);
    made.settle(["a", new Error("no"), "c"]);
    await assert.rejects(second ?? Promise.resolve(), /no/);
    assert.deepEqual(await Promise.all([first, third]), ["a", "c"]);
  });

  it("tells when nothing waits any more, and only then", () => {
    const { made, idle, submit } = pipeline();
    submit(4);
    made.settle(["a", "b"]);
    assert.deepEqual(idle, []);
    made.settle(["c", "d"]);
    assert.deepEqual(idle, [1]);
  });

  it("rejects all when the thread is gone, sends nothing of it later, and goes on with new jobs", async () => {
    const { made, sent, submit } = pipeline();
    const lost = Promise.allSettled(submit(6));
    made.fail(new Error("gone"));
    assert.ok((await lost).every(({ status }) => status === "rejected"));
    await endOfTurn();
    assert.equal(sent.length, 1);
    const next = made.submit(7);
    await endOfTurn();
    assert.deepEqual(sent[1], [7]);
    made.settle(["seven"]);
    assert.equal(await next, "seven");
  });
});

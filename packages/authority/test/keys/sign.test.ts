import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { after, describe, it } from "node:test";
import type { Worker } from "node:worker_threads";
import { compactVerify, importJWK } from "jose";
import {
  algorithmNames,
  algorithms,
  inlineSigning,
  type SigningPlace,
  signatureFunction,
} from "../../src/keys/algorithms.ts";
import { publicJwk } from "../../src/keys/signing-key.ts";
import { SigningThread } from "../../src/keys/signing-thread.ts";

const thread = new SigningThread();
const places: Readonly<Record<string, SigningPlace>> = { thread, inline: inlineSigning };

after(() => thread.close());

describe("signatureFunction", () => {
  const lengths = { ES256: 64, EdDSA: 64, RS256: 256, PS256: 256, "ML-DSA-65": 3309 };
  for (const algorithm of algorithmNames) {
    for (const [name, place] of Object.entries(places)) {
      it(`makes what jose verifies: ${algorithm}, ${name}`, async () => {
        const privateKey = await algorithms[algorithm].generate();
        const header = Buffer.from(JSON.stringify({ alg: algorithm })).toString("base64url");
        const input = `${header}.${Buffer.from("payload").toString("base64url")}`;
        const signature = await signatureFunction(privateKey, algorithm, place)(input);
        assert.equal(Buffer.from(signature, "base64url").length, lengths[algorithm]);
        const key = await importJWK(publicJwk(privateKey, algorithm), algorithm);
        const { payload } = await compactVerify(`${input}.${signature}`, key, { algorithms: [algorithm] });
        assert.equal(Buffer.from(payload).toString(), "payload");
      });
    }
  }

  it("rejects when the key is too small for the signature", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 512 });
    await assert.rejects(signatureFunction(privateKey, "PS256", inlineSigning)("input"), /too/);
  });

  for (const [name, place] of Object.entries(places)) {
    it(`rejects when the key cannot sign: ${name}`, async () => {
      const key = createPublicKey(await algorithms.ES256.generate());
      await assert.rejects(async () => signatureFunction(key, "ES256", place)("input"));
    });
  }
});

describe("SigningThread", () => {
  it("answers a batch of several keys each with its own signature, a bad key only for itself", async () => {
    const keys = await Promise.all([algorithms.ES256.generate(), algorithms.EdDSA.generate()]);
    const [first, second] = [thread.signWith(keys[0], "ES256"), thread.signWith(keys[1], "EdDSA")];
    const unfit = thread.signWith(createPublicKey(keys[0]), "ES256");
    const inputs = Array.from({ length: 50 }, (_, index) => `header.${index}`);
    const bad = assert.rejects(unfit("input"), /could not sign/);
    const signatures = await Promise.all(inputs.flatMap((input) => [first(input), second(input)]));
    await bad;
    assert.equal(new Set(signatures).size, 100);
    assert.equal(signatures[1], await inlineSigning.signWith(keys[1], "EdDSA")("header.0"));
  });

  it("refuses an input of several lines, which in a batch would be taken for two", async () => {
    const sign = thread.signWith(await algorithms.EdDSA.generate(), "EdDSA");
    const [before, bad, after] = await Promise.allSettled([sign("one"), sign("two\n0\nthree"), sign("four")]);
    assert.equal(bad.status, "rejected");
    assert.deepEqual([before, after], await Promise.allSettled([sign("one"), sign("four")]));
  });

  it("gives nobody another's signature when the thread dies", async (context) => {
    const threads: Worker[] = [];
    const listen = (started: Worker) => threads.push(started);
    process.on("worker", listen);
    context.after(() => process.off("worker", listen));
    const own = new SigningThread();
    const key = await algorithms.EdDSA.generate();
    const [sign, check] = [own.signWith(key, "EdDSA"), inlineSigning.signWith(key, "EdDSA")];
    await sign("first");
    let deaths = 0;
    const clients = Array.from({ length: 32 }, async (_, client) => {
      for (let round = 0; deaths < 4; round++) {
        const input = `${client}.${round}`;
        if (client === 0 && round % 20 === 19) {
          // A message that it cannot read ends the thread.
          threads.at(-1)?.postMessage(null);
          deaths += 1;
        }
        const signature = await sign(input).catch(() => undefined);
        if (signature !== undefined) assert.equal(signature, await check(input));
      }
    });
    await Promise.all(clients);
    await own.close();
  });

  it("forgets a key for good, behind what was begun, and tells no new thread of it", async (context) => {
    const threads: Worker[] = [];
    const listen = (started: Worker) => threads.push(started);
    process.on("worker", listen);
    context.after(() => process.off("worker", listen));
    const own = new SigningThread();
    const [erased, kept] = await Promise.all([algorithms.EdDSA.generate(), algorithms.EdDSA.generate()]);
    const [sign, other] = [own.signWith(erased, "EdDSA"), own.signWith(kept, "EdDSA")];
    const begun = [sign("one"), other("one"), sign("two")];
    own.forget(sign);
    own.forget(sign);
    assert.deepEqual(
      (await Promise.all(begun)).map((signature) => signature.length),
      [86, 86, 86],
    );
    await assert.rejects(sign("three"), /erased/);
    const [first] = threads;
    assert.ok(first);
    assert.deepEqual(await known(first, 2), [false, true]);
    await first.terminate();
    assert.equal((await other("two")).length, 86);
    assert.equal(threads.length, 2);
    assert.deepEqual(await known(threads[1] ?? first, 2), [false, true]);
    await own.close();
  });

  it("forgets at once a key that nobody waits for", async (context) => {
    const threads: Worker[] = [];
    const listen = (started: Worker) => threads.push(started);
    process.on("worker", listen);
    context.after(() => process.off("worker", listen));
    const own = new SigningThread();
    const sign = own.signWith(await algorithms.EdDSA.generate(), "EdDSA");
    await sign("one");
    own.forget(sign);
    const [thread] = threads;
    assert.ok(thread);
    assert.deepEqual(await known(thread, 1), [false]);
    await own.close();
  });

  it("lets go of what it does not hold: a key of another place, and one that never signed", async () => {
    const own = new SigningThread();
    const [rsa, unused, used] = await Promise.all(
      (["RS256", "EdDSA", "EdDSA"] as const).map(async (algorithm) =>
        signatureFunction(await algorithms[algorithm].generate(), algorithm, own),
      ),
    );
    assert.ok(rsa && unused && used);
    for (const sign of [rsa, unused]) own.forget(sign);
    assert.equal((await rsa("input")).length, 342);
    await assert.rejects(unused("input"), /erased/);
    assert.equal((await used("input")).length, 86);
    await own.close();
  });

  it("signs what is asked for while the thread before it ends", async () => {
    const own = new SigningThread();
    const sign = own.signWith(await algorithms.EdDSA.generate(), "EdDSA");
    const signature = await sign("one");
    const closed = own.close();
    const again = sign("one");
    await closed;
    assert.equal(await again, signature);
    await own.close();
  });

  it("closes after what was begun is signed, and starts anew when asked again", async () => {
    const own = new SigningThread();
    const sign = own.signWith(await algorithms.EdDSA.generate(), "EdDSA");
    const begun = sign("one");
    await own.close();
    const signature = await begun;
    assert.equal(await sign("one"), signature);
    await own.close();
  });
});

/** Which of the first keys a thread can sign with: asked behind the back of its pipeline, which is of no use afterwards. */
async function known(thread: Worker, count: number): Promise<readonly boolean[]> {
  const { promise, resolve } = Promise.withResolvers<string>();
  thread.once("message", resolve);
  const jobs = Array.from({ length: count }, (_, id) => `${id}\nprobe`).join("\n");
  thread.postMessage(jobs);
  return (await promise).split("\n").map((signature) => signature !== "");
}

import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, it } from "node:test";
import type { HttpResponse } from "../../src/http/message.ts";
import { answered, connectionsOf, exchangeRaw, readToEnd, record, statusesOf } from "./raw-socket.ts";

const limit = 65_536;
const head = (...headers: readonly string[]) =>
  ["POST /oauth/token HTTP/1.1", "Host: localhost", ...headers, "", ""].join("\r\n");
const get = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
const last = get.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
const chunk = (size: number) => `${size.toString(16)}\r\n${"a".repeat(size)}\r\n`;

/** Resolves when a socket is cut that nobody reads: it notices that only when it tries to send. */
function cut(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const poke = setInterval(() => socket.write(" "), 20);
    socket.on("error", () => {});
    socket.on("close", () => {
      clearInterval(poke);
      resolve();
    });
  });
}

describe("serveAuthority bounds bodies (B11)", () => {
  const rows = [
    { id: "announced, one byte too many", sent: [head(`Content-Length: ${limit + 1}`), "a".repeat(limit + 1)] },
    { id: "announced and never sent", sent: [head("Content-Length: 10000000000")] },
    { id: "chunked, one byte too many", sent: [head("Transfer-Encoding: chunked"), chunk(limit), chunk(1)] },
    { id: "chunked without end", sent: [head("Transfer-Encoding: chunked"), ...Array(40).fill(chunk(65_536))] },
  ];
  for (const { id, sent } of rows) {
    it(`${id}: 413, closed, and the authority sees nothing`, async () => {
      await using recorder = await record({ limits: { lingerMs: 50 } });
      const text = await exchangeRaw(recorder.served.port, ...sent);
      assert.deepEqual(statusesOf(text), [413]);
      assert.match(text, /^connection: close\r$/im);
      assert.equal(recorder.requests.length, 0);
    });
  }

  for (const framing of ["Content-Length", "chunked"] as const) {
    it(`${framing}, exactly the limit: reaches the authority whole`, async () => {
      const lengths: number[] = [];
      await using recorder = await record({}, async (request) => {
        lengths.push((await request.read(limit)).length);
        return answered(null, 204);
      });
      const sent =
        framing === "chunked"
          ? [head("Transfer-Encoding: chunked", "Connection: close"), chunk(limit - 1), chunk(1), "0\r\n\r\n"]
          : [head(`Content-Length: ${limit}`, "Connection: close"), "a".repeat(limit)];
      assert.deepEqual(statusesOf(await exchangeRaw(recorder.served.port, ...sent)), [204]);
      assert.deepEqual(lengths, [limit]);
    });
  }

  it("takes nothing behind a refused body for a request", async () => {
    await using recorder = await record({ limits: { lingerMs: 50 } });
    const sent = [head(`Content-Length: ${limit + 1}`), "a".repeat(limit + 1), get, get];
    assert.deepEqual(statusesOf(await exchangeRaw(recorder.served.port, ...sent)), [413]);
    assert.equal(recorder.requests.length, 0);
  });
});

describe("serveAuthority bounds slow peers (B26)", () => {
  const limits = { headersMs: 100, requestMs: 200, checkEveryMs: 20, silenceMs: 300, keepAliveMs: 100 };

  it("slow headers: 408, closed", async () => {
    await using recorder = await record({ limits });
    assert.deepEqual(statusesOf(await exchangeRaw(recorder.served.port, "GET / HTTP/1.1\r\nHost: loc")), [408]);
  });

  it("slow body: 408, closed, and the authority sees nothing", async () => {
    await using recorder = await record({ limits });
    const text = await exchangeRaw(recorder.served.port, head("Content-Length: 10"), "abc");
    assert.deepEqual(statusesOf(text), [408]);
    assert.equal(recorder.requests.length, 0);
  });

  it("slow reader: cut, however much is still to be sent", async () => {
    await using recorder = await record({ limits }, async () => answered("a".repeat(64 * 1024 * 1024)));
    const socket = connect(recorder.served.port, "127.0.0.1");
    socket.write(get);
    await once(socket, "readable");
    await cut(socket);
    assert.ok(socket.bytesRead < 64 * 1024 * 1024);
  });

  it("says nothing for too long: closed", async () => {
    await using recorder = await record({ limits });
    assert.deepEqual(statusesOf(await exchangeRaw(recorder.served.port, get)), [200]);
  });

  it("others are answered while 500 slow peers hold on", async () => {
    await using recorder = await record({ limits: { ...limits, headersMs: 5000, requestMs: 10_000 } });
    const slow = Array.from({ length: 500 }, () => connect(recorder.served.port, "127.0.0.1"));
    await Promise.all(slow.map((socket) => once(socket, "connect")));
    for (const socket of slow) socket.on("error", () => {}).write("GET / HTTP/1.1\r\nHos");
    const response = await fetch(recorder.served.url);
    assert.equal(await response.text(), "answered");
    for (const socket of slow) socket.destroy();
  });
});

describe("serveAuthority bounds connections", () => {
  it("refuses connections beyond the limit, and takes new ones when others left (B27)", async () => {
    await using recorder = await record({ limits: { connections: 5 } });
    const held = Array.from({ length: 5 }, () => connect(recorder.served.port, "127.0.0.1"));
    await Promise.all(held.map((socket) => once(socket, "connect")));
    assert.equal(await exchangeRaw(recorder.served.port, get), "");
    const first = held[0];
    first?.destroy();
    for (let attempt = 0; attempt < 100; attempt++) {
      const text = await exchangeRaw(recorder.served.port, get.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
      if (text !== "") return assert.deepEqual(statusesOf(text), [200]);
    }
    assert.fail("no new connection was taken");
  });

  const ended = { requestsPerConnection: 10, keepAliveMs: 60_000, silenceMs: 600_000 };

  for (const requests of [10, 1000]) {
    it(`answers 10 of ${requests} requests on one connection, says so, and ends it at once (B28)`, async () => {
      await using recorder = await record({ limits: ended });
      const text = await exchangeRaw(recorder.served.port, get.repeat(requests));
      assert.equal(recorder.requests.length, 10);
      assert.deepEqual(statusesOf(text), Array(10).fill(200));
      assert.deepEqual(connectionsOf(text), [...Array(9).fill("keep-alive"), "close"]);
    });
  }

  it("answers all it accepted before the last, in their order, whichever is ready first (B28)", async () => {
    const held: ((answer: HttpResponse) => void)[] = [];
    await using recorder = await record(
      { limits: { ...ended, requestsPerConnection: 3 } },
      () => new Promise((resolve) => held.push(resolve)),
    );
    const answer = exchangeRaw(recorder.served.port, get.repeat(5));
    while (held.length < 3) await new Promise((resolve) => setImmediate(resolve));
    for (const at of [2, 0, 1]) held[at]?.(answered(`answer ${at}`));
    const text = await answer;
    assert.deepEqual(text.match(/answer \d/g), ["answer 0", "answer 1", "answer 2"]);
    assert.deepEqual(connectionsOf(text), ["keep-alive", "keep-alive", "close"]);
  });

  it("ends a connection where the authority wants it, and gives what else it owes on it first (B11)", async () => {
    const held: ((answer: HttpResponse) => void)[] = [];
    await using recorder = await record({ limits: ended }, () => new Promise((resolve) => held.push(resolve)));
    const answer = exchangeRaw(recorder.served.port, get.repeat(3));
    while (held.length < 3) await new Promise((resolve) => setImmediate(resolve));
    held[0]?.({ ...answered("too large", 413), headers: { connection: "close" } });
    for (const release of held) release(answered());
    const text = await answer;
    assert.deepEqual(statusesOf(text), [413, 200, 200]);
    assert.deepEqual(connectionsOf(text), ["keep-alive", "keep-alive", "close"]);
  });

  it("reads on behind the last request on a connection, and not without end (B28)", async () => {
    await using recorder = await record(
      { limits: { ...ended, requestsPerConnection: 1 } },
      () => new Promise(() => {}),
    );
    assert.equal(await exchangeRaw(recorder.served.port, get.repeat(1002)), "");
    assert.equal(recorder.requests.length, 1);
  });

  it("bounds the last request on a connection as all others (B26, B28)", async () => {
    await using recorder = await record({
      limits: { ...ended, requestsPerConnection: 1, headersMs: 100, requestMs: 200, checkEveryMs: 20 },
    });
    assert.deepEqual(statusesOf(await exchangeRaw(recorder.served.port, head("Content-Length: 10"), "abc")), [408]);
    const malformed = [head("Transfer-Encoding: chunked"), "x\r\n"];
    assert.deepEqual(statusesOf(await exchangeRaw(recorder.served.port, ...malformed)), [400]);
  });

  it("works on few requests of one connection at once, and begins the next when an answer left", async () => {
    const held: ((answer: HttpResponse) => void)[] = [];
    await using recorder = await record(
      { limits: { ...ended, requestsAtOnce: 2 } },
      () => new Promise((resolve) => held.push(resolve)),
    );
    const answer = exchangeRaw(recorder.served.port, get.repeat(9) + last);
    const other = exchangeRaw(recorder.served.port, last);
    while (held.length < 3) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(recorder.requests.length, 3);
    for (let done = 0; done < 11; done++) {
      while (held.length <= done) await new Promise((resolve) => setImmediate(resolve));
      held[done]?.(answered());
      assert.ok(recorder.requests.length <= done + 3);
    }
    assert.deepEqual(statusesOf(await answer), Array(10).fill(200));
    assert.deepEqual(statusesOf(await other), [200]);
  });

  it("begins what was pipelined in rounds of the event loop, so that others have their turns between", async () => {
    let round = 0;
    const count = () => {
      round += 1;
      counting = setImmediate(count);
    };
    let counting = setImmediate(count);
    const begun = new Map<number, number>();
    await using recorder = await record(
      { limits: { ...ended, requestsUnanswered: 64, requestsAtOnce: 2 } },
      async () => {
        begun.set(round, (begun.get(round) ?? 0) + 1);
        return answered();
      },
    );
    const text = await exchangeRaw(recorder.served.port, get.repeat(9) + last);
    clearImmediate(counting);
    assert.equal(statusesOf(text).length, 10);
    // The first one at once, and two in the turn that may follow in the same round.
    assert.ok(Math.max(...begun.values()) <= 3, JSON.stringify([...begun]));
  });

  it("begins one of what was pipelined at once, and the others in turn, however many may be worked on", async () => {
    const begunAtOnce: number[] = [];
    await using recorder = await record({ limits: ended }, async () => {
      process.nextTick(() => begunAtOnce.push(recorder.requests.length));
      return answered();
    });
    await exchangeRaw(recorder.served.port, get.repeat(4) + last);
    assert.equal(begunAtOnce[0], 1);
    assert.equal(begunAtOnce.length, 5);
  });

  it("takes so many requests on one connection whose answers have not left, and ends it after them", async () => {
    await using recorder = await record({ limits: { keepAliveMs: 60_000, requestsUnanswered: 5 } });
    const text = await exchangeRaw(recorder.served.port, get.repeat(300));
    assert.deepEqual(statusesOf(text), Array(5).fill(200));
    assert.deepEqual(connectionsOf(text), [...Array(4).fill("keep-alive"), "close"]);
    assert.equal(recorder.requests.length, 5);
  });

  it("bounds what is worked on for one connection, not what comes on it", async () => {
    await using recorder = await record({ limits: { keepAliveMs: 60_000, requestsUnanswered: 5 } });
    const socket = connect(recorder.served.port, "127.0.0.1");
    for (let n = 0; n < 20; n++) {
      socket.write(get);
      await once(socket, "data");
    }
    socket.destroy();
    assert.equal(recorder.requests.length, 20);
  });

  it("takes nothing for a request behind one whose end nobody knows, however late that is judged (B23)", async () => {
    const held: ((answer: HttpResponse) => void)[] = [];
    await using recorder = await record(
      { limits: { ...ended, requestsAtOnce: 1 } },
      () => new Promise((resolve) => held.push(resolve)),
    );
    const unknown = `${head("Transfer-Encoding: gzip, chunked")}0\r\n\r\n`;
    const answer = exchangeRaw(recorder.served.port, get + unknown + get);
    while (held.length < 1) await new Promise((resolve) => setImmediate(resolve));
    held[0]?.(answered());
    assert.deepEqual(statusesOf(await answer), [200, 501]);
    assert.equal(recorder.requests.length, 1);
  });

  it("begins nothing for a client that is gone", async () => {
    const held: ((answer: HttpResponse) => void)[] = [];
    await using recorder = await record({ limits: { ...ended, requestsAtOnce: 1 } }, async ({ url }) =>
      url.endsWith("/other") ? answered() : new Promise((resolve) => held.push(resolve)),
    );
    const socket = connect(recorder.served.port, "127.0.0.1");
    socket.write(get.repeat(3));
    while (held.length < 1) await new Promise((resolve) => setImmediate(resolve));
    socket.resetAndDestroy();
    // The server hears of the end before it hears of others that come after.
    for (let n = 0; n < 3; n++) await exchangeRaw(recorder.served.port, last.replace("GET /", "GET /other"));
    held[0]?.(answered());
    await exchangeRaw(recorder.served.port, last.replace("GET /", "GET /other"));
    assert.equal(held.length, 1);
  });

  const large = answered("a".repeat(64 * 1024 * 1024));

  it("says nothing in the place of answers that wait, when a malformed message is behind them", async () => {
    await using recorder = await record({ limits: { ...ended, requestsAtOnce: 1 } }, async () => large);
    const socket = connect(recorder.served.port, "127.0.0.1");
    socket.write(get.repeat(2));
    await once(socket, "readable");
    socket.write("GARBAGE\r\n\r\n");
    assert.deepEqual(statusesOf(await readToEnd(socket)), [200]);
  });

  it("cuts a client that reads no refusal", async () => {
    const limits = { ...ended, headersMs: 600_000, requestMs: 600_000, lingerMs: 50 };
    await using recorder = await record({ limits }, async () => large);
    const socket = connect(recorder.served.port, "127.0.0.1").on("error", () => {});
    socket.write(get);
    await once(socket, "readable");
    socket.write("GARBAGE\r\n\r\n");
    await cut(socket);
  });

  it("keeps nothing of the requests behind the last one", async () => {
    let kept = 0;
    const count = () => kept++;
    subscribe("http.server.request.start", count);
    try {
      await using recorder = await record({ limits: { requestsUnanswered: 2 } }, () => new Promise(() => {}));
      const socket = connect(recorder.served.port, "127.0.0.1").on("error", () => {});
      socket.write(get.repeat(500));
      while (recorder.requests.length < 2) await new Promise((resolve) => setImmediate(resolve));
      assert.equal(kept, 2);
      socket.destroy();
    } finally {
      unsubscribe("http.server.request.start", count);
    }
  });

  it("serves others while many connections pipeline and read nothing (B28)", async () => {
    const body = new Uint8Array(60_000);
    await using recorder = await record({}, async () => ({ status: 200, headers: {}, body }));
    const greedy = Array.from({ length: 100 }, () => connect(recorder.served.port, "127.0.0.1"));
    for (const socket of greedy) socket.on("error", () => {}).write(get.repeat(300));
    await Promise.all(greedy.map((socket) => once(socket, "readable")));
    const before = recorder.requests.length;
    assert.equal((await fetch(recorder.served.url)).status, 200);
    assert.ok(before <= 100 * 16, `${before} requests were worked on`);
    for (const socket of greedy) socket.destroy();
  });

  it("fails no request of clients that keep their connections", async () => {
    await using recorder = await record({ limits: ended });
    const client = async () => {
      for (let n = 0; n < 50; n++) assert.equal((await fetch(recorder.served.url)).status, 200);
    };
    await Promise.all(Array.from({ length: 8 }, client));
    assert.equal(recorder.requests.length, 400);
  });
});

describe("serveAuthority.close", () => {
  it("finishes what was accepted, then takes nothing more", async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<HttpResponse>();
    const { promise: asked, resolve: arrived } = Promise.withResolvers<void>();
    const recorder = await record({}, () => {
      arrived();
      return held;
    });
    const answer = exchangeRaw(recorder.served.port, get);
    await asked;
    const closed = recorder.served.close();
    await assert.rejects(once(connect(recorder.served.port, "127.0.0.1"), "connect"), /ECONNREFUSED/);
    release(answered("done"));
    const text = await answer;
    assert.match(text, /^connection: close\r$/im);
    assert.match(text, /done$/);
    await closed;
  });

  it("answers all that was accepted on one connection, and says only in the last that it was that", async () => {
    const held: ((answer: HttpResponse) => void)[] = [];
    const recorder = await record(
      { limits: { keepAliveMs: 60_000 } },
      () => new Promise((resolve) => held.push(resolve)),
    );
    const answer = exchangeRaw(recorder.served.port, get.repeat(3));
    while (held.length < 3) await new Promise((resolve) => setImmediate(resolve));
    const closed = recorder.served.close();
    for (const release of held) release(answered());
    assert.deepEqual(connectionsOf(await answer), ["keep-alive", "keep-alive", "close"]);
    await closed;
  });

  it("closes idle connections at once", async () => {
    const recorder = await record({ limits: { keepAliveMs: 60_000 } });
    const socket = connect(recorder.served.port, "127.0.0.1");
    const answer = readToEnd(socket);
    socket.write(get);
    await once(socket, "data");
    await recorder.served.close();
    assert.deepEqual(statusesOf(await answer), [200]);
  });

  it("waits no longer than it is told", async () => {
    const recorder = await record({ limits: { silenceMs: 600_000 } }, () => new Promise(() => {}));
    const answer = exchangeRaw(recorder.served.port, get);
    while (recorder.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await recorder.served.close({ atMostMs: 20 });
    assert.equal(await answer, "");
  });
});

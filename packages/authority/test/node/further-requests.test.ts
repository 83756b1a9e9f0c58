import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { connect, Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import type { HttpResponse } from "../../src/http/message.ts";
import { connectionStates, endAfter } from "../../src/node/connection-state.ts";
import { answered, connectionsOf, exchangeRaw, record, statusesOf } from "./raw-socket.ts";

const get = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/** Shows each socket that a server of this process accepts, once Node has given it a parser. */
function onAccepted(context: TestContext, see: (socket: Socket & { parser?: object | null }) => void): void {
  const listener = (message: unknown) => see((message as { readonly socket: Socket }).socket);
  subscribe("net.server.socket", listener);
  context.after(() => unsubscribe("net.server.socket", listener));
}

/** The parser of a Node that gives requests on in another way: nobody can tell it to keep none. */
function deaf(parser: object): object {
  return new Proxy(parser, {
    set: (target, name, value) => (name === "onIncoming" && value !== null) || Reflect.set(target, name, value),
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

describe("serveAuthority behind the last request on a connection (B28)", () => {
  it("answers nothing, also where Node's parser cannot be told to keep nothing", async (context) => {
    onAccepted(context, (socket) => {
      socket.parser = deaf(socket.parser ?? assert.fail("the connection has no parser"));
    });
    await using recorder = await record({ limits: { requestsPerConnection: 10, keepAliveMs: 60_000 } });
    const text = await exchangeRaw(recorder.served.port, get.repeat(30));
    assert.equal(recorder.requests.length, 10);
    assert.deepEqual(statusesOf(text), Array(10).fill(200));
    assert.deepEqual(connectionsOf(text), [...Array(9).fill("keep-alive"), "close"]);
  });

  it("counts on what it ignores when the end is told again, and not without end", () => {
    const parser = { onIncoming: (_incoming: { resume(): void }) => 0 };
    const socket = Object.assign(new Socket(), { parser });
    const state = connectionStates({ clientAuthorities: false })(socket);
    let ignored = 0;
    const further = (count: number) => {
      for (let n = 0; n < count; n++) parser.onIncoming({ resume: () => void ignored++ });
    };
    endAfter(socket, state);
    further(600);
    endAfter(socket, state);
    further(400);
    assert.deepEqual([ignored, socket.destroyed], [1000, false]);
    further(1);
    assert.deepEqual([ignored, socket.destroyed], [1000, true]);
  });

  it("fails in nothing when the client is gone before the last answer is ready", async (context) => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    onAccepted(context, (socket) => void socket.once("close", resolve));
    const { promise: held, resolve: release } = Promise.withResolvers<HttpResponse>();
    const events: unknown[] = [];
    const observer = { event: (event: unknown) => void events.push(event), request() {} };
    await using recorder = await record({ observer }, () => held);
    const socket = connect(recorder.served.port, "127.0.0.1").on("error", () => {});
    socket.write(get);
    while (recorder.requests.length < 1) await new Promise((next) => setImmediate(next));
    socket.resetAndDestroy();
    await Promise.all([closed, once(socket, "close")]);
    release({ ...answered("too large", 413), headers: { connection: "close" } });
    await held;
    await new Promise((next) => setImmediate(next));
    assert.deepEqual(events, []);
  });
});

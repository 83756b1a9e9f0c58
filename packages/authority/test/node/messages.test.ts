import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, it } from "node:test";
import type { Observer } from "../../src/audit/observer.ts";
import type { HttpRequest, HttpResponse } from "../../src/http/message.ts";
import { answered, exchangeRaw, readToEnd, record, statusesOf } from "./raw-socket.ts";

interface Row {
  readonly id: string;
  readonly build: string;
  readonly expect: { readonly status: number; readonly calls: number };
}

const crlf = (...lines: readonly string[]) => lines.join("\r\n");
const get = (target: string, ...headers: readonly string[]) =>
  crlf(`GET ${target} HTTP/1.1`, "Host: localhost", "Connection: close", ...headers, "", "");
const post = (headers: readonly string[], body: string) =>
  crlf("POST /oauth/token HTTP/1.1", "Host: localhost", "Connection: close", ...headers, "", body);
const refused = { status: 400, calls: 0 };
const passed = { status: 200, calls: 1 };

const rows: readonly Row[] = [
  { id: "control: plain request", build: get("/status"), expect: { status: 200, calls: 1 } },
  { id: "control: request with a body", build: post(["Content-Length: 3"], "a=b"), expect: { status: 200, calls: 1 } },
  {
    id: "control: chunked body",
    build: post(["Transfer-Encoding: chunked"], "3\r\na=b\r\n0\r\n\r\n"),
    expect: { status: 200, calls: 1 },
  },

  {
    id: "B17 two Authorization lines",
    build: get("/", "Authorization: Basic YTpi", "authorization: Bearer x"),
    expect: refused,
  },

  {
    id: "B23 CL and TE",
    build: post(["Content-Length: 3", "Transfer-Encoding: chunked"], "0\r\n\r\n"),
    expect: refused,
  },
  { id: "B23 TE xchunked", build: post(["Transfer-Encoding: xchunked"], "0\r\n\r\n"), expect: refused },
  {
    id: "B23 TE chunked, identity",
    build: post(["Transfer-Encoding: chunked, identity"], "0\r\n\r\n"),
    expect: refused,
  },
  ...["gzip, chunked", "gzip,chunked", "gzip\r\nTransfer-Encoding: chunked", ", chunked"].map((codings) => ({
    id: `B23 TE ${JSON.stringify(codings)}`,
    build: post([`Transfer-Encoding: ${codings}`], "0\r\n\r\n"),
    expect: { status: 501, calls: 0 },
  })),
  ...["gzip", "chunked, gzip", "chunked, chunked", "chunked;q=1", ""].map((codings) => ({
    id: `B23 TE ${JSON.stringify(codings)}`,
    build: post([`Transfer-Encoding: ${codings}`], "0\r\n\r\n"),
    expect: refused,
  })),
  {
    id: "B23 TE in HTTP/1.0",
    build: "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n",
    expect: refused,
  },
  { id: "B23 a coding in other case", build: post(["transfer-encoding: CHUNKED"], "0\r\n\r\n"), expect: passed },
  ...["GET /", "GET / HTTP/0.9", "GET / HTTP/2.0", "GET / HTTP/2.0\r\nHost: localhost"].map((head) => ({
    id: `B23 ${JSON.stringify(head)}`,
    build: `${head}\r\n\r\n`,
    expect: { status: 505, calls: 0 },
  })),
  ...["0.1", "1.2", "1.10", "3.0"].map((version) => ({
    id: `B23 HTTP/${version}`,
    build: `GET / HTTP/${version}\r\nHost: localhost\r\n\r\n`,
    expect: refused,
  })),
  { id: "B23 HTTP/1.0 without Host", build: "GET / HTTP/1.0\r\n\r\n", expect: passed },
  { id: "B23 space before colon", build: post(["Content-Length : 3"], "a=b"), expect: refused },
  { id: "B23 two different CL", build: post(["Content-Length: 3", "Content-Length: 4"], "a=bc"), expect: refused },
  { id: "B23 two equal CL", build: post(["Content-Length: 3", "Content-Length: 3"], "a=b"), expect: refused },
  { id: "B23 CL +5", build: post(["Content-Length: +5"], "a=bcd"), expect: refused },
  { id: "B23 CL 5, 5", build: post(["Content-Length: 5, 5"], "a=bcd"), expect: refused },
  { id: "B23 bare LF", build: "GET / HTTP/1.1\nHost: localhost\n\n", expect: refused },
  { id: "B23 obs-fold", build: get("/", "X-A: 1\r\n 2"), expect: refused },
  { id: "B23 bad chunk end", build: post(["Transfer-Encoding: chunked"], "3\r\na=bXX0\r\n\r\n"), expect: refused },
  {
    id: "B23 LF in chunk extension",
    build: post(["Transfer-Encoding: chunked"], "3;a\n\r\na=b\r\n0\r\n\r\n"),
    expect: refused,
  },
  { id: "B23 NUL in a header", build: get("/", "X-A: a\0b"), expect: refused },
  { id: "B23 HTTP/1.0 to no path and no Host", build: "OPTIONS * HTTP/1.0\r\n\r\n", expect: refused },
  { id: "a coding of no body", build: get("/", "Content-Encoding: gzip"), expect: passed },
  { id: "B23 no Host", build: "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", expect: refused },

  { id: "B24 two Host lines", build: get("/", "Host: other"), expect: refused },
  { id: "B24 two equal Host lines", build: get("/", "host: localhost"), expect: refused },
  { id: "B25 Host with a path", build: "GET / HTTP/1.1\r\nHost: a/b\r\nConnection: close\r\n\r\n", expect: refused },
  {
    id: "B25 Host with user information",
    build: "GET / HTTP/1.1\r\nHost: a@b\r\nConnection: close\r\n\r\n",
    expect: refused,
  },
  { id: "B25 absolute form of another host", build: get("http://evil/token"), expect: refused },
  {
    id: "B25 absolute form that repeats Host",
    build: get("http://localhost/token"),
    expect: { status: 200, calls: 1 },
  },

  ...["Content-Encoding: gzip", "Content-Length: 999999"].map((body) => ({
    id: `B25 Host with a path and ${body}: the first fault is told`,
    build: crlf("POST / HTTP/1.1", "Host: a/b", "Connection: close", body, "Content-Length: 3", "", "a=b").replace(
      /(Content-Length: 999999)\r\nContent-Length: 3/,
      "$1",
    ),
    expect: refused,
  })),
  {
    id: "B29 TRACE",
    build: "TRACE / HTTP/1.1\r\nHost: localhost\r\nX-Echo: canary\r\nConnection: close\r\n\r\n",
    expect: { status: 405, calls: 0 },
  },
  {
    id: "B29 CONNECT",
    build: "CONNECT evil:443 HTTP/1.1\r\nHost: evil:443\r\n\r\n",
    expect: { status: 405, calls: 0 },
  },
  {
    id: "B29 Upgrade: websocket is a plain request",
    build: get(
      "/status",
      "Upgrade: websocket",
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
      "Sec-WebSocket-Version: 13",
    ),
    expect: { status: 200, calls: 1 },
  },
  {
    id: "B29 Upgrade: h2c is a plain request",
    build: get("/status", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
    expect: { status: 200, calls: 1 },
  },
  {
    id: "B29 an expectation nobody knows is a plain request",
    build: post(["Expect: tea", "Content-Length: 3"], "a=b"),
    expect: { status: 200, calls: 1 },
  },
  { id: "B29 an invented method", build: "BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n", expect: refused },

  { id: "B30 header of 20 KiB", build: get("/", `X-A: ${"a".repeat(20_480)}`), expect: { status: 431, calls: 0 } },

  ...[
    "//oauth/token",
    "/oauth//token",
    "/oauth/token/",
    "/oauth/%74oken",
    "/oauth/token;x=1",
    "/./oauth/token",
    "/api/../oauth/token",
    "/oauth/%2e%2e/token",
    "/api/v1/client/%2E",
    "/api/v1/client/.%2E",
    "/api/v1/username/%61lice",
    "/oauth/token%00",
    "/oauth/token%0a",
    "/oauth/token%c0%ae",
    "/oauth/token%zz",
    "/oauth\\token",
    "/oauth/token?a#b",
  ].map((target) => ({ id: `B31 ${target}`, build: get(target), expect: { status: 404, calls: 0 } })),
  ...[
    "/?q=1",
    "/api/v1/username/%7Ealice",
    "/api/v1/username/a%2Eb",
    "/api/v1/username/a%2Db%5Fc",
    "/api/v1/username/~a",
  ].map((target) => ({ id: `B31 control: ${target}`, build: get(target), expect: { status: 200, calls: 1 } })),
];

/** An observer that keeps what events say in detail. */
function detailsTo(details: unknown[]): Observer {
  return {
    request() {},
    event: ({ fields }) => void details.push("detail" in fields && fields.detail),
  };
}

/** What the types forbid and a face in JavaScript may give: its length can be told, and it cannot be sent. */
function brokenBody(): string {
  // @ts-expect-error: an ArrayBuffer is no text.
  return new ArrayBuffer(3);
}

const textOf = async (request: HttpRequest) => Buffer.from(await request.read(100)).toString();

describe("serveAuthority answers to raw messages", () => {
  for (const { id, build, expect } of rows) {
    it(`${id}: ${expect.status}, and the authority sees ${expect.calls}`, async () => {
      await using recorder = await record();
      const text = await exchangeRaw(recorder.served.port, build);
      assert.deepEqual(statusesOf(text), [expect.status], text);
      assert.equal(recorder.requests.length, expect.calls);
      assert.doesNotMatch(text, /canary|^HTTP\/1\.1 101/im);
    });
  }

  it("goes on behind a refused message that has no body", async () => {
    await using recorder = await record();
    const refused = "GET //x HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert.deepEqual(statusesOf(await exchangeRaw(recorder.served.port, refused + get("/status"))), [404, 200]);
  });

  it("ends the connection at a refused message whose body nobody reads", async () => {
    await using recorder = await record({ limits: { lingerMs: 50 } });
    const refused = "POST //x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\na=b";
    const text = await exchangeRaw(recorder.served.port, refused + get("/status"));
    assert.deepEqual(statusesOf(text), [404]);
    assert.match(text, /^connection: close\r$/im);
    assert.equal(recorder.requests.length, 0);
  });

  for (const framing of ["gzip, chunked", "gzip"]) {
    it(`takes nothing for a request behind a body in ${framing} (B23)`, async () => {
      await using recorder = await record();
      const smuggled = `POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: ${framing}\r\n\r\n0\r\n\r\n`;
      const text = await exchangeRaw(recorder.served.port, smuggled + get("/status"));
      assert.equal(statusesOf(text).length, 1);
      assert.equal(recorder.requests.length, 0);
    });
  }

  const waiting = (length: number, ...headers: readonly string[]) =>
    crlf("POST / HTTP/1.1", "Host: localhost", "Expect: 100-continue", ...headers, `Content-Length: ${length}`, "", "");

  for (const { id, build, statuses } of [
    { id: "a body that would be too large", build: waiting(65_537), statuses: [413] },
    { id: "a body in a coding", build: waiting(3, "Content-Encoding: gzip"), statuses: [415] },
    { id: "a message for another path", build: waiting(3).replace("/", "//"), statuses: [404] },
    { id: "a message without one", build: get("/", "Expect: 100-continue"), statuses: [200] },
    { id: "an HTTP/1.0 message", build: `${waiting(3).replace("1.1", "1.0")}a=b`, statuses: [200] },
  ]) {
    it(`asks nobody for the body of ${id} (RFC 9110 section 10.1.1)`, async () => {
      await using recorder = await record();
      assert.deepEqual(statusesOf(await exchangeRaw(recorder.served.port, build)), statuses);
    });
  }

  it("asks for a body that it will read (RFC 9110 section 10.1.1)", async () => {
    await using recorder = await record();
    const socket = connect(recorder.served.port, "127.0.0.1");
    const answer = readToEnd(socket);
    socket.write(waiting(3, "Connection: close"));
    await once(socket, "data");
    socket.write("a=b");
    assert.deepEqual(statusesOf(await answer), [100, 200]);
    assert.equal(await textOf(recorder.requests[0] ?? assert.fail()), "a=b");
  });

  it("names the methods it knows to those who send CONNECT", async () => {
    await using recorder = await record();
    const text = await exchangeRaw(recorder.served.port, "CONNECT evil:443 HTTP/1.1\r\nHost: evil:443\r\n\r\n");
    assert.match(text, /^allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r$/m);
  });

  it("refuses what is no HTTP in the form of every other refusal", async () => {
    await using recorder = await record();
    const text = await exchangeRaw(recorder.served.port, "GARBAGE\r\n\r\n");
    const { error, error_description, message } = JSON.parse(text.slice(text.indexOf("{")));
    assert.deepEqual([error, error_description, message], ["invalid_request", "Bad Request", "Bad Request"]);
    assert.doesNotMatch(text, /^allow:/im);
  });

  it("refuses bodies in a Content-Encoding without inflating them (B13)", async () => {
    await using recorder = await record();
    const text = await exchangeRaw(
      recorder.served.port,
      post(["Content-Encoding: gzip", "Content-Length: 2"], "\x1f\x8b"),
    );
    assert.deepEqual(statusesOf(text), [415]);
    assert.equal(recorder.requests.length, 0);
  });

  it("answers a malformed message behind a good one only after the good one was not answered in its place", async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<HttpResponse>();
    await using recorder = await record({}, () => held);
    const text = await exchangeRaw(
      recorder.served.port,
      crlf("GET / HTTP/1.1", "Host: localhost", "", ""),
      "GARBAGE\r\n\r\n",
    );
    release(answered("late"));
    assert.deepEqual(statusesOf(text), []);
  });

  it("counts what it refuses for the observer", async () => {
    const requests: unknown[] = [];
    await using recorder = await record({
      observer: { event() {}, request: ({ route, method, status }) => requests.push({ route, method, status }) },
    });
    await exchangeRaw(recorder.served.port, get("//x"));
    assert.deepEqual(requests, [{ route: "(refused)", method: "GET", status: 404 }]);
  });

  it("passes each request on as it was sent", async () => {
    const seen: unknown[] = [];
    await using recorder = await record({}, async (request, connection) => {
      seen.push(request.method, request.url, request.headers.get("x-a"), await textOf(request), connection);
      return answered(null, 204);
    });
    const head = ["Content-Length: 3", "X-A: 1", "x-a: 2"];
    const text = await exchangeRaw(
      recorder.served.port,
      post(head, "a=b").replace("/oauth/token", "/a%20b/%C3%A9?q=1&r=%2F"),
    );
    assert.deepEqual(statusesOf(text), [204]);
    assert.deepEqual(seen, [
      "POST",
      "http://localhost/a%20b/%C3%A9?q=1&r=%2F",
      "1, 2",
      "a=b",
      { address: "127.0.0.1" },
    ]);
  });

  it("cuts the connection, and lives on, when an answer fails after its head was written", async () => {
    const details: unknown[] = [];
    const observer = detailsTo(details);
    const respond = async ({ url }: HttpRequest): Promise<HttpResponse> =>
      url.endsWith("/broken") ? { ...answered(), body: brokenBody() } : answered();
    await using recorder = await record({ observer }, respond);
    const text = await exchangeRaw(recorder.served.port, get("/broken"));
    assert.doesNotMatch(text, /server_error/);
    assert.match(String(details), /ERR_INVALID_ARG_TYPE|TypeError/);
    assert.deepEqual(statusesOf(await exchangeRaw(recorder.served.port, get("/status"))), [200]);
  });

  it("answers server_error when the authority throws, and tells the observer why", async () => {
    const details: unknown[] = [];
    const observer = detailsTo(details);
    await using recorder = await record({ observer }, () => Promise.reject(new RangeError("store gone")));
    const text = await exchangeRaw(recorder.served.port, get("/status"));
    assert.deepEqual(statusesOf(text), [500]);
    assert.doesNotMatch(text, /store gone/);
    assert.deepEqual(details, ["RangeError: store gone"]);
  });
});

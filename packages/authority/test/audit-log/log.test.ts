import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeClock } from "@countersign/protocol/testing";
import type { AuthorityEvent } from "../../src/audit/events.ts";
import { createLog, type LogOptions } from "../../src/audit/log.ts";

const issued: AuthorityEvent = {
  name: "token.issued",
  at: Date.UTC(2030, 0, 1),
  fields: { grant: "password", clientId: "web", jti: "j1", scope: "read write", deviceName: "Anna's phone" },
};

function logOf(options: Omit<LogOptions, "write">, speak: (log: ReturnType<typeof createLog>) => void): string {
  let text = "";
  const log = createLog({ clock: new FakeClock(), ...options, write: (lines) => (text += lines) });
  speak(log);
  log.flush();
  return text;
}

describe("createLog", () => {
  it("writes one JSON object a line, with the fields of the table in their order", () => {
    assert.equal(
      logOf({}, (log) => log.event(issued)),
      '{"level":"info","time":"2030-01-01T00:00:00.000Z","event":"token.issued","grant":"password","clientId":"web",' +
        '"jti":"j1","scope":"read write","deviceName":"Anna\'s phone"}\n',
    );
  });

  it("drops every field that the table does not list", () => {
    const extra = { ...issued.fields, password: "canary-password", accessToken: "canary-token", toString: "canary" };
    const text = logOf({}, (log) => log.event({ ...issued, fields: extra } as AuthorityEvent));
    assert.match(text, /"clientId":"web"/);
    assert.doesNotMatch(text, /canary|password":/);
  });

  it("writes readable lines on a terminal, quoting what could be mistaken for something else", () => {
    const event: AuthorityEvent = {
      name: "family.reused",
      at: 0,
      fields: { familyId: "f", clientId: "a b", userId: "x\nlevel=error\u202e", address: "::1" },
    };
    assert.equal(
      logOf({ format: "text" }, (log) => log.event(event)),
      '1970-01-01T00:00:00.000Z warn  family.reused familyId=f clientId="a b" userId="x\\nlevel=error\\u202e" address=::1\n',
    );
  });

  it("colours the level only when told to", () => {
    const green = "\u001b[32minfo \u001b[0m";
    assert.ok(logOf({ format: "text", colour: true }, (log) => log.event(issued)).includes(green));
    assert.ok(!logOf({ format: "text" }, (log) => log.event(issued)).includes("\u001b"));
  });

  for (const format of ["json", "text"] as const) {
    it(`drops lines while its reader hangs, and says how many once it reads again (${format})`, () => {
      let stalled = false;
      const text = logOf({ format, isStalled: () => stalled }, (log) => {
        const say = () => {
          log.event(issued);
          log.flush();
        };
        say();
        stalled = true;
        for (let n = 0; n < 3; n++) say();
        stalled = false;
        say();
        say();
      });
      const lines = text.trimEnd().split("\n");
      assert.deepEqual(
        lines.map((line) => /token\.issued|log\.dropped.*lines"?[:=]\d+/.exec(line)?.[0].replace(/\W+/g, " ")),
        ["token issued", "log dropped lines 3", "token issued", "token issued"],
      );
    });
  }

  it("escapes line breaks, so that no value forges a line", () => {
    const forged: AuthorityEvent = { ...issued, fields: { ...issued.fields, deviceName: 'a\n{"level":"error"}' } };
    for (const format of ["json", "text"] as const) {
      assert.equal(logOf({ format }, (log) => log.event(forged)).split("\n").length, 2);
    }
  });

  const request = { route: "/oauth/token", method: "POST", durationMs: 1.23456, grant: "password" };
  const levels = [
    { level: "silent", status: 500, lines: 0 },
    { level: "error", status: 500, lines: 0 },
    { level: "warn", status: 500, lines: 1 },
    { level: "info", status: 200, lines: 0 },
    { level: "debug", status: 200, lines: 1 },
  ] as const;
  for (const { level, status, lines } of levels) {
    it(`at level ${level} writes ${lines} lines about an request that ended in ${status}`, () => {
      const text = logOf({ level }, (log) => log.request({ ...request, status }));
      assert.equal(text.split("\n").length - 1, lines);
      if (lines > 0) assert.match(text, /"route":"\/oauth\/token","method":"POST","status":\d+,"durationMs":1.235/);
    });
  }

  it("warns of failed requests once a second for each route, method and status", () => {
    const clock = new FakeClock();
    const text = logOf({ level: "warn", clock }, (log) => {
      const fail = (status: number, route = "/oauth/token") => log.request({ ...request, route, status });
      for (let n = 0; n < 100; n++) fail(503);
      fail(500);
      fail(503, "/health/ready");
      clock.jump(999);
      fail(503);
      clock.jump(1);
      fail(503);
      clock.jump(-5000);
      fail(503);
    });
    const lines = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ status, route }) => `${status} ${route}`),
      ["503 /oauth/token", "500 /oauth/token", "503 /health/ready", "503 /oauth/token", "503 /oauth/token"],
    );
  });

  it("gathers the lines of one turn of the event loop into one write", async () => {
    const writes: string[] = [];
    const log = createLog({ write: (lines) => writes.push(lines) });
    log.event(issued);
    log.event(issued);
    assert.equal(writes.length, 0);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(
      writes.map((lines) => lines.split("\n").length - 1),
      [2],
    );
  });
});

import assert from "node:assert/strict";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { EventEmitter, once } from "node:events";
import type { Server } from "node:http";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import tls, { type ConnectionOptions, getCACertificates, type SecureVersion, setDefaultCACertificates } from "node:tls";
import type { Connection } from "../../src/caller.ts";
import { trackSockets } from "../../src/node/open-sockets.ts";
import { serveAuthority, type TlsOptions } from "../../src/node.ts";
import { certificate, revocations, type TestCertificate } from "./certificates.ts";
import { answered, readToEnd, record, statusesOf, tlsSocket } from "./raw-socket.ts";

const root = certificate({ name: "clients' root", authority: true });
const otherRoot = certificate({ name: "other root", authority: true });
const identity = certificate({ name: "localhost", use: "server", dnsName: "localhost" });
const revoked = certificate({ name: "revoked", issuer: root });
const server: TlsOptions = { cert: identity.cert, key: identity.key };
const withAuthorities: TlsOptions = {
  ...server,
  clientAuthorities: root.cert,
  clientRevocations: revocations(root, [revoked]),
};

const request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/** What the authority is told of a client that presents this certificate. */
async function connectionWith(tls: TlsOptions, client: TestCertificate | undefined): Promise<Connection> {
  const seen: Connection[] = [];
  await using recorder = await record({ tls }, async (_request, connection = {}) => {
    seen.push(connection);
    return answered(null, 204);
  });
  const credentials = client === undefined ? {} : { cert: client.cert, key: client.key };
  const socket = await tlsSocket(recorder.served.port, credentials);
  const answer = readToEnd(socket);
  socket.write(request);
  assert.deepEqual(statusesOf(await answer), [204]);
  const [connection] = seen;
  assert.ok(connection);
  return connection;
}

/** With the floors of Node and OpenSSL lowered, so that only what a server demands by itself refuses anything. */
async function withWeakDefaults(use: () => Promise<void>): Promise<void> {
  const { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS } = tls;
  Object.assign(tls, { DEFAULT_MIN_VERSION: "TLSv1", DEFAULT_CIPHERS: "ALL:@SECLEVEL=0" });
  try {
    await use();
  } finally {
    Object.assign(tls, { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS });
  }
}

describe("serveAuthority over TLS", () => {
  const rows: readonly { id: string; client: TestCertificate; tls?: TlsOptions; trusted: boolean }[] = [
    {
      id: "control: issued by the configured authority",
      client: certificate({ name: "a", issuer: root }),
      trusted: true,
    },
    { id: "F7 self-signed", client: certificate({ name: "self" }), trusted: false },
    { id: "F7 expired", client: certificate({ name: "old", issuer: root, to: Date.UTC(2021, 0, 1) }), trusted: false },
    {
      id: "F7 not yet valid",
      client: certificate({ name: "new", issuer: root, from: Date.UTC(2048, 0, 1) }),
      trusted: false,
    },
    {
      id: "F7 wrong extended key usage",
      client: certificate({ name: "s", issuer: root, use: "server" }),
      trusted: false,
    },
    { id: "F7 wrong authority", client: certificate({ name: "o", issuer: otherRoot }), trusted: false },
    { id: "F7 revoked", client: revoked, trusted: false },
  ];
  for (const { id, client, tls = withAuthorities, trusted } of rows) {
    it(`${id}: passes the certificate on, trusted ${trusted}`, async () => {
      const connection = await connectionWith(tls, client);
      assert.equal(connection.certificate?.trusted, trusted);
      assert.deepEqual(connection.certificate?.der, new Uint8Array(new X509Certificate(client.cert).raw));
    });
  }

  it("F7 no authority configured: the machine's own roots vouch for no client", async () => {
    const machines = getCACertificates("default");
    setDefaultCACertificates([...machines, root.cert]);
    try {
      const connection = await connectionWith(server, certificate({ name: "a", issuer: root }));
      assert.equal(connection.certificate?.trusted, false);
    } finally {
      setDefaultCACertificates(machines);
    }
  });

  it("F7 no certificate: there is none to pass on", async () => {
    assert.deepEqual(await connectionWith(withAuthorities, undefined), { address: "127.0.0.1" });
  });

  it("F8 never takes a certificate from a header", async () => {
    const seen: Connection[] = [];
    await using recorder = await record({ tls: withAuthorities }, async (_request, connection = {}) => {
      seen.push(connection);
      return answered(null, 204);
    });
    const socket = await tlsSocket(recorder.served.port, {});
    const answer = readToEnd(socket);
    const spoofed = ["X-Client-Cert", "Client-Cert", "X-SSL-Client-Verify"].map((name) => `${name}: SUCCESS`);
    socket.write(request.replace("Connection", `${spoofed.join("\r\n")}\r\nConnection`));
    assert.deepEqual(statusesOf(await answer), [204]);
    assert.deepEqual(seen, [{ address: "127.0.0.1" }]);
  });

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    it(`F9 ${version}: resumes no session, so each connection proves its certificate again`, async () => {
      await using recorder = await record({ tls: withAuthorities });
      const options: ConnectionOptions = { minVersion: version, maxVersion: version };
      const first = await tlsSocket(recorder.served.port, options);
      const sessions: Buffer[] = [];
      first.on("session", (session) => sessions.push(session));
      const answer = readToEnd(first);
      first.write(request);
      await answer;
      const session = sessions.at(-1) ?? first.getSession();
      const second = await tlsSocket(recorder.served.port, {
        ...options,
        ...(session === undefined ? {} : { session }),
      });
      assert.equal(second.isSessionReused(), false);
      second.destroy();
    });
  }

  const downgrades: readonly { id: string; options: ConnectionOptions }[] = [
    { id: "NULL ciphers", options: { maxVersion: "TLSv1.2", ciphers: "NULL:@SECLEVEL=0" } },
    { id: "anonymous ciphers", options: { maxVersion: "TLSv1.2", ciphers: "aNULL:@SECLEVEL=0" } },
  ];
  for (const { id, options } of downgrades) {
    it(`F10 refuses ${id}`, async () => {
      await using recorder = await record({ tls: server });
      await assert.rejects(tlsSocket(recorder.served.port, options));
    });
  }

  const old: readonly SecureVersion[] = ["TLSv1", "TLSv1.1"];
  for (const version of old) {
    it(`F10 refuses ${version} where everything else allows it`, () =>
      withWeakDefaults(async () => {
        const options: ConnectionOptions = { minVersion: version, maxVersion: version };
        const control = tls.createServer(server).listen(0, "127.0.0.1");
        await once(control, "listening");
        const allowed = await tlsSocket((control.address() as AddressInfo).port, options);
        assert.equal(allowed.getProtocol(), version);
        allowed.destroy();
        control.close();
        await using recorder = await record({ tls: server });
        await assert.rejects(tlsSocket(recorder.served.port, options), {
          code: "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
        });
      }));
  }

  it("F10 refuses renegotiation", async () => {
    await using recorder = await record({ tls: server });
    const socket = await tlsSocket(recorder.served.port, { maxVersion: "TLSv1.2" });
    const failure = await new Promise<Error | null>((resolve) => {
      socket.on("error", resolve);
      socket.renegotiate({ rejectUnauthorized: false }, resolve);
    });
    assert.ok(failure instanceof Error);
    socket.destroy();
  });

  describe("without a finished handshake", () => {
    const hello = Buffer.from("16030100c8010000c4", "hex");
    const silent = (port: number) => {
      const socket = connect(port, "127.0.0.1");
      return { socket, ended: readToEnd(socket) };
    };
    for (const [id, sent, handshakeMs] of [
      ["says nothing", undefined, 200],
      ["says half a word", hello, 200],
      ["speaks plain HTTP", Buffer.from(request), 60_000],
      ["speaks of something else", Buffer.from("\0".repeat(64)), 60_000],
    ] as const) {
      it(`destroys a connection that ${id}, and takes new ones in its place`, async () => {
        await using recorder = await record({
          tls: server,
          limits: { handshakeMs, lingerMs: 60_000, connections: 20 },
        });
        const held = Array.from({ length: 20 }, () => silent(recorder.served.port));
        if (sent !== undefined) for (const { socket } of held) socket.write(sent);
        await Promise.all(held.map(({ ended }) => ended));
        const socket = await tlsSocket(recorder.served.port, {});
        const answer = readToEnd(socket);
        socket.write(request);
        assert.deepEqual(statusesOf(await answer), [200]);
      });
    }

    it("destroys it when the peer closed first, and does not keep the server from closing", async () => {
      const recorder = await record({ tls: server, limits: { handshakeMs: 60_000, lingerMs: 60_000 } });
      const held = Array.from({ length: 20 }, () => silent(recorder.served.port));
      await Promise.all(held.map(({ socket }) => once(socket, "connect")));
      for (const { socket } of held.slice(10)) socket.end();
      const answering = await tlsSocket(recorder.served.port, {});
      const answer = readToEnd(answering);
      answering.write(request);
      await answer;
      await recorder.served.close({ atMostMs: 60_000 });
      await Promise.all(held.map(({ ended }) => ended));
    });

    it("bounds no connection that has one", (context) => {
      context.mock.timers.enable({ apis: ["setTimeout"] });
      const server = new EventEmitter();
      trackSockets(server as Server, true, { handshakeMs: 10 });
      const destroyed: number[] = [];
      const accept = (remotePort: number) => {
        const destroy = () => destroyed.push(remotePort);
        const socket = Object.assign(new EventEmitter(), { remoteAddress: "127.0.0.1", remotePort, destroy });
        server.emit("connection", socket);
        return socket;
      };
      const [finished] = [accept(1), accept(2)];
      server.emit("secureConnection", finished);
      context.mock.timers.tick(19);
      assert.deepEqual(destroyed, []);
      context.mock.timers.tick(1_000_000);
      assert.deepEqual(destroyed, [2]);
    });

    it("destroys it as soon as Node's own bound gives it up", async (context) => {
      const late = setTimeout(() => socket.destroy(new Error("still open")), 10_000);
      const start = setTimeout;
      // Too late for ours, and for what ends a refusal that nobody takes.
      const slowed = (run: () => void, ms: number) => start(run, 1000 * ms);
      const { mock } = context.mock.method(globalThis, "setTimeout", slowed);
      await using recorder = await record({ tls: server, limits: { handshakeMs: 50 } });
      const { socket, ended } = silent(recorder.served.port);
      await ended;
      assert.equal(socket.errored, null);
      mock.restore();
      clearTimeout(late);
    });

    it("destroys it though Node's own bound fails to", async () => {
      const sockets: Socket[] = [];
      const http = new EventEmitter();
      trackSockets(http as Server, true, { handshakeMs: 10 });
      const listener = createServer((socket) => {
        sockets.push(socket);
        http.emit("connection", socket);
      }).listen(0, "127.0.0.1");
      await once(listener, "listening");
      const { socket, ended } = silent((listener.address() as AddressInfo).port);
      socket.write("x");
      await ended;
      assert.equal(sockets[0]?.destroyed, true);
      listener.close();
    });
  });

  it("speaks of https in its URL and in the requests", async () => {
    await using recorder = await record({ tls: server });
    assert.equal(recorder.served.url, `https://localhost:${recorder.served.port}`);
    const socket = await tlsSocket(recorder.served.port, {});
    const answer = readToEnd(socket);
    socket.write(request);
    await answer;
    assert.equal(recorder.requests[0]?.url, "https://localhost/");
  });

  const ofOtherType = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({
    type: "pkcs8",
    format: "pem",
  });
  const unfit: readonly { id: string; tls: TlsOptions; message: RegExp }[] = [
    { id: "another key", tls: { ...server, key: root.key }, message: /the private key is not the certificate's$/ },
    {
      id: "a key of another type",
      tls: { ...server, key: ofOtherType.toString() },
      message: /the private key is not the certificate's$/,
    },
    { id: "no certificate", tls: { ...server, cert: "x" }, message: /the certificate cannot be read: error:/ },
    { id: "no key", tls: { ...server, key: "x" }, message: /the private key cannot be read: error:/ },
    {
      id: "no revocation list",
      tls: { ...withAuthorities, clientRevocations: "x" },
      message: /the client authorities or revocation lists cannot be read: (?!no reason)/,
    },
  ];
  for (const { id, tls, message } of unfit) {
    it(`refuses to start with ${id}`, async () => {
      const authority = { respond: async () => answered(null, 204) };
      await assert.rejects(serveAuthority(authority, { port: 0, tls }), { name: "TypeError", message });
    });
  }
});

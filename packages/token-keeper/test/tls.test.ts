import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer, type ServerOptions } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { pipeline } from "node:stream";
import { describe, it } from "node:test";
import tls from "node:tls";
import { promisify } from "node:util";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { clientCredentialsSource, secretBasic, systemClock, tlsClient } from "@countersign/token-keeper";
import { createTlsFetch } from "@countersign/token-keeper/node";
import { startAuthority } from "./support/authority.ts";
import { type Certificate, makeCertificates } from "./support/certificates.ts";
import { aContext, aFolder } from "./support/context.ts";

const context = () => aContext({ clock: systemClock });

async function serve({ cert, key }: Certificate, options: ServerOptions = {}, raw?: string | RequestListener) {
  let requests = 0;
  const server = createServer({ cert, key, ...options }, (request, response) => {
    requests++;
    if (typeof raw === "function") return raw(request, response);
    if (raw !== undefined) return response.socket?.end(raw);
    response.end(JSON.stringify({ access_token: "abc", token_type: "Bearer", expires_in: 60 }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // listen() on a port gives an address of this kind.
  const { port } = server.address() as AddressInfo;
  return {
    port,
    tokenEndpoint: `https://localhost:${port}/token`,
    requests: () => requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("createTlsFetch()", () => {
  it("authenticates a client by its certificate at the authority (RFC 8705 section 2.1)", async () => {
    await using folder = await aFolder();
    const made = makeCertificates(folder.path);
    const ca = made.authority("ca");
    const server = made.sign("server", "ca", "DNS:localhost");
    const own = made.sign("reports", "ca", "DNS:reports.example");
    await using authority = await startAuthority({ tls: { ...server, clientAuthorities: ca.cert } });
    const certificate = { sanDns: "reports.example" };
    const { client } = await authority.client({ authMethod: "tls_client_auth", certificate });
    const source = (presented: Certificate) =>
      clientCredentialsSource({
        issuer: authority.issuer,
        client: tlsClient(client.clientId),
        fetch: createTlsFetch({ ...presented, ca: ca.cert }),
      });
    const token = await source(own).request(context());
    const claims = JSON.parse(Buffer.from(token.accessToken.reveal().split(".")[1] ?? "", "base64url").toString());
    assert.equal(typeof claims.cnf["x5t#S256"], "string");
    const other = made.sign("other", "ca", "DNS:other.example");
    await assert.rejects(source(other).request(context()), { code: "invalid_client" });
  });

  const servers: Record<string, (made: ReturnType<typeof makeCertificates>) => Certificate> = {
    "another authority's": (made) => {
      made.authority("stranger");
      return made.sign("s", "stranger", "DNS:localhost");
    },
    "a self-signed": (made) => made.authority("localhost"),
    "another host's": (made) => made.sign("s", "ca", "DNS:elsewhere.example"),
    "an expired": (made) => made.sign("s", "ca", "DNS:localhost", 0),
  };
  for (const [name, make] of Object.entries(servers)) {
    it(`I22 sends nothing to a server with ${name} certificate`, async () => {
      await using folder = await aFolder();
      const made = makeCertificates(folder.path);
      const ca = made.authority("ca");
      const own = made.sign("own", "ca", "DNS:own.example");
      await using server = await serve(make(made));
      const fetches = [undefined, createTlsFetch({ ...own, ca: ca.cert })];
      for (const fetch of fetches) {
        const options = { tokenEndpoint: server.tokenEndpoint, client: secretBasic("c", "s"), ...(fetch && { fetch }) };
        await assert.rejects(clientCredentialsSource(options).request(context()), { code: "network_failed" });
      }
      assert.equal(server.requests(), 0);
    });
  }
});

describe("createTlsFetch() between", () => {
  const encodings = { gzip: gzipSync, "X-GZIP": gzipSync, deflate: deflateSync, br: brotliCompressSync };
  for (const [encoding, compress] of Object.entries(encodings)) {
    it(`reads ${encoding}, for which it does not ask`, async () => {
      await using folder = await aFolder();
      const made = makeCertificates(folder.path);
      const ca = made.authority("ca").cert;
      const asked: unknown[] = [];
      const answer = compress(JSON.stringify({ access_token: "abc", token_type: "Bearer", expires_in: 60 }));
      await using server = await serve(made.sign("server", "ca", "DNS:localhost"), {}, (request, response) => {
        asked.push(request.headers["accept-encoding"]);
        response.writeHead(200, { "content-encoding": encoding, "content-length": answer.length }).end(answer);
      });
      const fetch = createTlsFetch({ ...made.sign("own", "ca", "DNS:own.example"), ca });
      const source = clientCredentialsSource({ tokenEndpoint: server.tokenEndpoint, client: tlsClient("c"), fetch });
      assert.equal((await source.request(context())).accessToken.reveal(), "abc");
      assert.deepEqual(asked, ["identity"]);
    });
  }

  for (const [name, encoding] of Object.entries({
    "an encoding it does not know": "zstd",
    "a body that is broken": "gzip",
  })) {
    it(`fails the request, and not the process, at ${name}`, async () => {
      await using folder = await aFolder();
      const made = makeCertificates(folder.path);
      const ca = made.authority("ca").cert;
      await using server = await serve(made.sign("server", "ca", "DNS:localhost"), {}, (_request, response) => {
        response.writeHead(200, { "content-encoding": encoding }).end("not compressed");
      });
      const fetch = createTlsFetch({ ...made.sign("own", "ca", "DNS:own.example"), ca });
      const source = clientCredentialsSource({ tokenEndpoint: server.tokenEndpoint, client: tlsClient("c"), fetch });
      await assert.rejects(source.request(context()), { code: "network_failed" });
    });
  }

  it("goes through the proxy of the environment, where fetch does", async () => {
    await using folder = await aFolder();
    const made = makeCertificates(folder.path);
    const ca = made.authority("ca").cert;
    const own = made.sign("own", "ca", "DNS:own.example");
    await using server = await serve(made.sign("server", "ca", "DNS:auth.internal"));
    const asked: string[] = [];
    const proxy = createHttpServer().on("connect", (request, socket) => {
      asked.push(request.url ?? "");
      const upstream = connect(server.port, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        pipeline(socket, upstream, socket, () => undefined);
      });
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const script = `
      import { clientCredentialsSource, tlsClient, TokenManager } from "@countersign/token-keeper";
      import { createTlsFetch } from "@countersign/token-keeper/node";
      const fetch = createTlsFetch(${JSON.stringify({ ...own, ca })});
      const source = clientCredentialsSource({ tokenEndpoint: "https://auth.internal/token", client: tlsClient("c"), fetch });
      console.log((await new TokenManager().getToken(source)).accessToken.reveal());
      process.exit();`;
    // listen() on a port gives an address of this kind.
    const { port } = proxy.address() as AddressInfo;
    const args = ["-C", "@countersign/source", "--input-type=module", "--eval", script];
    const env = { ...process.env, NODE_USE_ENV_PROXY: "1", HTTPS_PROXY: `http://127.0.0.1:${port}`, NO_PROXY: "" };
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname, env });
    assert.equal(stdout, "abc\n");
    assert.deepEqual(asked, ["auth.internal:443"]);
    proxy.close();
    proxy.closeAllConnections();
  });
});

describe("createTlsFetch() with a hostile server", () => {
  for (const status of ["000", "600", "999"]) {
    it(`fails the request, and not the process, at status ${status}`, async () => {
      await using folder = await aFolder();
      const made = makeCertificates(folder.path);
      const ca = made.authority("ca").cert;
      const certificate = made.sign("server", "ca", "DNS:localhost");
      await using server = await serve(certificate, {}, `HTTP/1.1 ${status} Odd\r\ncontent-length: 0\r\n\r\n`);
      const fetch = createTlsFetch({ ...made.sign("own", "ca", "DNS:own.example"), ca });
      const source = clientCredentialsSource({ tokenEndpoint: server.tokenEndpoint, client: tlsClient("c"), fetch });
      await assert.rejects(source.request(context()), { code: "network_failed" });
      assert.equal(server.requests(), 1);
    });
  }
});

describe("createTlsFetch() where Node and OpenSSL allow TLS 1.1", () => {
  it("sends nothing over it", async (context) => {
    const { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS } = tls;
    context.after(() => Object.assign(tls, { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS }));
    Object.assign(tls, { DEFAULT_MIN_VERSION: "TLSv1", DEFAULT_CIPHERS: "ALL:@SECLEVEL=0" });
    await using folder = await aFolder();
    const made = makeCertificates(folder.path);
    const ca = made.authority("ca").cert;
    await using server = await serve(made.sign("server", "ca", "DNS:localhost"), { maxVersion: "TLSv1.1" });
    const control = tls.connect({ port: server.port, host: "localhost", ca });
    await once(control, "secureConnect");
    assert.equal(control.getProtocol(), "TLSv1.1");
    control.destroy();
    const post = createTlsFetch({ ...made.sign("own", "ca", "DNS:own.example"), ca });
    await assert.rejects(post(server.tokenEndpoint, { method: "POST" }), /alert protocol version/);
    assert.equal(server.requests(), 0);
  });
});

describe("NODE_TLS_REJECT_UNAUTHORIZED=0", () => {
  it("I22 is refused with a warning before anything is sent", async () => {
    await using folder = await aFolder();
    await using server = await serve(makeCertificates(folder.path).authority("localhost"));
    const script = `
      import { clientCredentialsSource, secretBasic, TokenManager } from "@countersign/token-keeper";
      const source = clientCredentialsSource({ tokenEndpoint: "${server.tokenEndpoint}", client: secretBasic("c", "s") });
      await new TokenManager().getToken(source).catch((error) => console.log(error.code));`;
    const args = ["-C", "@countersign/source", "--input-type=module", "--eval", script];
    const env = { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: "0", NODE_NO_WARNINGS: "" };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
      cwd: import.meta.dirname,
      env,
      encoding: "utf8",
    });
    assert.equal(stdout.trim(), "insecure_tls");
    assert.match(stderr, /COUNTERSIGN_INSECURE_TLS.*Refused to send credentials/);
    assert.equal(server.requests(), 0);
  });
});

import assert from "node:assert/strict";
import { once } from "node:events";
import https from "node:https";
import { describe, it } from "node:test";
import tls from "node:tls";
import { serveAuthority } from "../../src/node.ts";
import { certificate, type TestCertificate } from "../node/certificates.ts";
import { alice, world } from "./world.ts";

const root = certificate({ name: "clients' root", authority: true });
const foreign = certificate({ name: "foreign root", authority: true });
const identity = certificate({ name: "localhost", use: "server", dnsName: "localhost" });

interface Heard {
  readonly status: number | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

/** An authority on a TLS socket, and how to ask it. */
async function served(context: { after(end: () => Promise<void>): void }) {
  const { authority, refusal } = await world({}, { serverAuthority: root.cert });
  const options = { cert: identity.cert, key: identity.key, clientAuthorities: root.cert };
  const server = await serveAuthority(authority, { port: 0, tls: options });
  context.after(async () => {
    await server.close({ atMostMs: 0 });
    await authority.close();
  });
  const send = async (path: string, message: object, client?: TestCertificate): Promise<Heard> => {
    const request = https.request({
      ...{ host: "localhost", port: server.port, path, method: "POST", ca: identity.cert, agent: false },
      headers: { "content-type": "application/json" },
      ...(client === undefined ? {} : { cert: client.cert, key: client.key }),
    });
    request.end(JSON.stringify(message));
    const [response] = await once(request, "response");
    let text = "";
    for await (const chunk of response) text += chunk;
    return { status: response.statusCode, body: JSON.parse(text) };
  };
  return { send, port: server.port, refusal };
}

const right = { resource: "orders", operation: "read" };

describe("capability endpoints over TLS", () => {
  it("know the client by its certificate", async (context) => {
    const { send } = await served(context);
    const { status, body } = await send("/request_token", right, certificate({ name: "a", issuer: root, uri: alice }));
    assert.deepEqual([status, typeof body.token], [201, "string"]);
  });

  it("F7 refuse the certificate of a foreign authority with a response, not in the handshake", async (context) => {
    const { send, refusal } = await served(context);
    for (const client of [
      certificate({ name: "a", issuer: foreign, uri: alice }),
      certificate({ name: "a", uri: alice }),
      undefined,
    ]) {
      const { status, body } = await send("/request_token", right, client);
      assert.deepEqual([status, body.token, typeof body.response_msg], [401, null, "string"]);
      assert.match(refusal().detail ?? "", /client certificate/);
    }
  });

  it("speak HTTP/1.1 to those who offer h2 beside it, as reqwest does", async (context) => {
    const { port } = await served(context);
    for (const ALPNProtocols of [["http/1.1"], ["h2", "http/1.1"]]) {
      const socket = tls.connect({ host: "localhost", port, ca: identity.cert, ALPNProtocols });
      await once(socket, "secureConnect");
      assert.equal(socket.alpnProtocol, "http/1.1");
      socket.destroy();
    }
  });
});

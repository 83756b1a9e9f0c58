/**
 * A request that passes three services: a gateway, a ledger, and the archive of the invoices. Each judges the token up to
 * itself, offline; the first two attest before they pass it on, so that nobody reaches the archive around them.
 *
 *   npm run example 13-service-chain       (with the variables of 11-authorities)
 */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { PrivateKey } from "@countersign/biscuit";
import { Countersign, createVerifier, LocalTokens, ServiceChain } from "@countersign/sdk";
import { guard } from "@countersign/sdk/node-http";

const resource = "invoices";

await using client = await Countersign.fromEnv();
await client.setup();
const { publicKey } = client.config;
const [gatewayKey, ledgerKey] = await Promise.all(
  ["GATEWAY_KEY_FILE", "LEDGER_KEY_FILE"].map(async (name) => readFile(process.env[name] ?? "", "utf8")),
);

async function publicKeyOf(pem = ""): Promise<string> {
  return (await PrivateKey.fromPem(pem).publicKey()).toString();
}

const chain = ServiceChain.builder()
  .addNode("gateway", await publicKeyOf(gatewayKey))
  .addNode("ledger", await publicKeyOf(ledgerKey))
  .build();

const open: Server[] = [];

async function listening(server: Server): Promise<string> {
  open.push(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A service behind a guard: the services of the chain before it must have attested, the last one asks for all of them. */
function guarded(component: string | undefined, handle: (token: string) => Promise<string>): Server {
  const serviceChain = { nodes: chain.components, ...(component === undefined ? {} : { component }) };
  const require = { authorization: { resource, operation: "read", serviceChain } };
  const verifier = createVerifier({ rootKey: publicKey });
  return createServer(
    guard({ verifier, require }, (request, response) => {
      const token = (request.headers.authorization ?? "").replace(/^Bearer /, "");
      handle(token).then(
        (text) => response.end(text),
        () => response.writeHead(502).end(),
      );
    }),
  );
}

const send = (url: string, token: string): Promise<Response> =>
  fetch(url, { headers: { authorization: `Bearer ${token}` } });

/** Attests with the key of this service, and passes the request on. */
function passOn(personalKeypair: string | undefined, next: string): (token: string) => Promise<string> {
  const tokens = new LocalTokens({ publicKey, personalKeypair });
  return async (token) => (await send(next, await tokens.attestServiceChainToken(token, resource))).text();
}

const archive = await listening(guarded(undefined, async () => "invoice 1, invoice 2"));
const ledger = await listening(guarded("ledger", passOn(ledgerKey, archive)));
const gateway = await listening(guarded("gateway", passOn(gatewayKey, ledger)));

const token = await client.requestTokenSimple(resource, "read");
console.log(`through the gateway: ${await (await send(gateway, token)).text()}`);
console.log(`around it to the ledger: ${(await send(ledger, token)).status}`);
console.log(`straight to the archive: ${(await send(archive, token)).status}`);
for (const server of open) {
  server.closeAllConnections();
  server.close();
}

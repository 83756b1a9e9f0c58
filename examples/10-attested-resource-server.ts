/**
 * A resource server that believes the keys of its authority only when a confidential environment vouches for them: what the
 * `client` of confidential-token-broker does, with a policy. The authority runs with `evidence.source` set:
 *
 *   ISSUER=http://localhost:8080 AUDIENCE=https://notes.example POLICY=policy.toml ROOT=simulated-root.pem PORT=9999 \
 *     npm run example 10-attested-resource-server
 *
 * POLICY says what may run there. ROOT is for a simulated environment, which proves nothing; leave it out for a real one.
 */
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import {
  cacheCollateral,
  fromPem,
  pcsCollateral,
  readPolicyDocument,
  trustRoot,
  vendorRoots,
} from "@countersign/attestation";
import { CountersignError, systemClock } from "@countersign/protocol";
import { createVerifier } from "@countersign/sdk";
import { parse } from "smol-toml";

const {
  ISSUER = "http://localhost:8080",
  AUDIENCE = "https://notes.example",
  POLICY = "",
  ROOT,
  PORT = "9999",
} = process.env;

/** The root of a simulated environment is trusted because it is named, and for no other reason. */
async function namedRoots(path: string | undefined) {
  if (path === undefined) return [];
  const certificates = fromPem(readFileSync(path, "utf8"), path);
  return Promise.all(certificates.map((der) => trustRoot(der, { simulated: true })));
}

const simulated = await namedRoots(ROOT);

const verifier = createVerifier({
  issuer: ISSUER,
  audience: AUDIENCE,
  keys: new URL("/.well-known/jwks.json", ISSUER).href,
  attestation: {
    policy: readPolicyDocument(parse(readFileSync(POLICY, "utf8"))),
    roots: [...vendorRoots, ...simulated],
    // A simulated environment gives its collateral itself; Intel's is fetched and kept.
    ...(simulated.length > 0 ? {} : { collateral: cacheCollateral(pcsCollateral({ fetch }), { clock: systemClock }) }),
    observe: ({ accepted, jwk, reasons }) =>
      console.error(`key ${jwk.kid}: ${accepted ? "attested" : reasons.map(({ message }) => message).join("; ")}`),
  },
});

async function answer(request: IncomingMessage): Promise<readonly [number, object]> {
  if (request.url !== "/api") return [404, { error: "not_found" }];
  const token = /^Bearer ([\w.-]+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
  try {
    const { subject } = await verifier.verify(token, { jwt: true });
    return [200, { message: "Access Token parsed successfully", subject }];
  } catch (error) {
    if (!(error instanceof CountersignError)) return [401, { error: "invalid_token" }];
    console.error(`refused a token: ${error.detail ?? error.message}`);
    return [error.status, { error: error.code }];
  }
}

const server = createServer(async (request, response) => {
  const [status, body] = await answer(request);
  response.writeHead(status, { "content-type": "application/json" }).end(`${JSON.stringify(body)}\n`);
});

server.listen(Number(PORT), "127.0.0.1", () => {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : PORT;
  console.log(`api: http://127.0.0.1:${port}/api`);
});

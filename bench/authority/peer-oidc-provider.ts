/**
 * The peer: oidc-provider with its memory adapter, ES256 JWT access tokens, client_credentials. Prints its URL.
 */
import { generateKeyPairSync } from "node:crypto";
import Provider from "oidc-provider";

const resource = "https://api.example";
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

const provider = new Provider("http://localhost", {
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), alg: "ES256", use: "sig", kid: "bench" }] },
  clients: [
    {
      client_id: "bench",
      client_secret: "bench-secret-bench-secret-bench-secret-bench",
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: "client_secret_post",
      id_token_signed_response_alg: "ES256",
    },
  ],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      getResourceServerInfo: () => ({
        scope: "read",
        audience: resource,
        accessTokenFormat: "jwt" as const,
        accessTokenTTL: 900,
        jwt: { sign: { alg: "ES256" as const } },
      }),
    },
  },
});

const server = provider.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object" && address !== null) console.log(`http://127.0.0.1:${address.port}/token`);
});

/**
 * One manager, several audiences, and a fetch that adds the right token to the right origin.
 *
 *   ISSUER=… CLIENT_ID=… CLIENT_SECRET=… AUDIENCE=… API=… \
 *     npx --no-install node -C @countersign/source examples/token-keeper/authorized-fetch.ts
 */
import { authorizedFetch, clientCredentialsSource, secretBasic, TokenManager } from "@countersign/token-keeper";

const { ISSUER = "http://localhost:8080", CLIENT_ID = "", CLIENT_SECRET = "", AUDIENCE = "", API = "" } = process.env;

await using manager = new TokenManager();
manager.on("refresh_failed", ({ error, retryInMs }) => console.error(error.code, error.hint, retryInMs));

const client = secretBasic(CLIENT_ID, CLIENT_SECRET);
const provider = manager.provider(clientCredentialsSource({ issuer: ISSUER, client, resource: [AUDIENCE] }));
const callApi = authorizedFetch(provider, { origins: [API] });

const response = await callApi(`${API}/notes`);
console.log(response.status, await response.text());

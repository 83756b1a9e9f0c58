/**
 * A public client, such as a command-line tool: it logs a person in, keeps the login fresh by rotating the refresh
 * token, and logs out. The first two commands make the client and the person, and ask for the administrator's password.
 *
 *   npx --no-install countersign client create --name tool --grants password,refresh_token \
 *     --scopes notes:read,offline_access --audience https://notes.example
 *   npx --no-install countersign user create alice --generate --scopes notes:read
 *
 *   CLIENT_ID=… LOGIN_NAME=alice PASSWORD=… npm run example 03-public-client
 */
const { ISSUER = "http://localhost:8080", CLIENT_ID = "", LOGIN_NAME = "", PASSWORD = "" } = process.env;

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
}

interface Refusal {
  readonly error: string;
  readonly error_description: string;
}

async function post(path: string, fields: Readonly<Record<string, string>>): Promise<Response> {
  return fetch(`${ISSUER}${path}`, { method: "POST", body: new URLSearchParams({ client_id: CLIENT_ID, ...fields }) });
}

async function tokens(fields: Readonly<Record<string, string>>): Promise<Tokens> {
  const response = await post("/oauth/token", fields);
  const answer = (await response.json()) as Tokens & Refusal;
  if (!response.ok) throw new Error(`${answer.error}: ${answer.error_description}`);
  return answer;
}

const login = await tokens({
  grant_type: "password",
  username: LOGIN_NAME,
  password: PASSWORD,
  scope: "notes:read offline_access",
  device_name: "example tool",
});
console.log(`logged in; the access token lives ${login.expires_in} s`);

const refreshed = await tokens({ grant_type: "refresh_token", refresh_token: login.refresh_token });
console.log(`refreshed; the refresh token changed: ${refreshed.refresh_token !== login.refresh_token}`);

const retried = await tokens({ grant_type: "refresh_token", refresh_token: login.refresh_token });
console.log(`a retry got the same successor: ${retried.refresh_token === refreshed.refresh_token}`);

await post("/oauth/revoke", { token: refreshed.refresh_token });
const afterwards = await post("/oauth/token", { grant_type: "refresh_token", refresh_token: refreshed.refresh_token });
console.log(`logged out; a refresh now answers ${((await afterwards.json()) as Refusal).error}`);

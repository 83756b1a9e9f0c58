/**
 * A confidential client: a backend that gets a token for itself and calls the resource server with it. The first command
 * makes the client, and asks for the administrator's password.
 *
 *   npx --no-install countersign client create --name backend --grants client_credentials --credential \
 *     --scopes notes:read,notes:write --audience https://notes.example
 *
 *   CLIENT_ID=… CLIENT_SECRET=… RESOURCE=http://127.0.0.1:9000 npm run example 02-confidential-client
 */
const {
  ISSUER = "http://localhost:8080",
  RESOURCE = "http://127.0.0.1:9000",
  CLIENT_ID = "",
  CLIENT_SECRET = "",
} = process.env;

/** RFC 6749 section 4.4, the client authenticating with HTTP Basic (section 2.3.1). */
async function clientToken(scope: string): Promise<string> {
  const credentials = `${encodeURIComponent(CLIENT_ID)}:${encodeURIComponent(CLIENT_SECRET)}`;
  const response = await fetch(`${ISSUER}/oauth/token`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` },
    body: new URLSearchParams({ grant_type: "client_credentials", scope }),
  });
  const answer = (await response.json()) as Readonly<Record<string, string>>;
  if (!response.ok) throw new Error(`${answer.error}: ${answer.error_description}`);
  return answer.access_token ?? "";
}

async function call(method: string, token: string): Promise<string> {
  const response = await fetch(RESOURCE, { method, headers: { authorization: `Bearer ${token}` } });
  return `${method} ${response.status} ${await response.text()}`;
}

const reader = await clientToken("notes:read");
console.log(await call("GET", reader));
console.log(await call("POST", reader));
console.log(await call("POST", await clientToken("notes:read notes:write")));

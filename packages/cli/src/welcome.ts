/** What a start tells. */
export interface Welcome {
  readonly url: string;
  readonly issuer: string;
  /** Only when this start made it. */
  readonly adminPassword?: string;
}

/** The lines a start prints: the address, and on a first start the password, once, and what to try. */
export function welcome({ url, issuer, adminPassword }: Welcome): string {
  const lines = [`countersign is listening at ${url}`, ...(issuer === url ? [] : [`issuer: ${issuer}`])];
  if (adminPassword !== undefined) lines.push("", `admin password: ${adminPassword}`, "", ...firstSteps(url));
  return `${lines.join("\n")}\n`;
}

function firstSteps(url: string): readonly string[] {
  return [
    "It is shown this once. Three commands to try:",
    "",
    `  read -rs PASSWORD; TOKEN=$(curl -s ${url}/oauth/token -d grant_type=password -d client_id=loopback \\`,
    `    -d username=admin --data-urlencode "password=$PASSWORD" -d scope=superuser | sed 's/.*"access_token":"\\([^"]*\\).*/\\1/')`,
    "",
    `  curl -s ${url}/.well-known/jwks.json`,
    "",
    `  curl -s ${url}/api/v1/client -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\`,
    `    -d '{"client_name":"app","scopes":["read"],"grants":["client_credentials"],"credential":true}'`,
  ];
}

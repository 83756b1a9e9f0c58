/** What a start tells. */
export interface Welcome {
  readonly url: string;
  readonly issuer: string;
  /** Where this machine may use the client `loopback`, if anywhere. */
  readonly loopbackUrl?: string;
  /** Only when this start made it. */
  readonly adminPassword?: string;
  /** Where it is, when it was written there in place of being shown. */
  readonly passwordFile?: string;
}

/** The lines a start prints: the address, and on a first start the password, once, and what to try. */
export function welcome({ url, issuer, adminPassword, passwordFile, loopbackUrl }: Welcome): string {
  const lines = [`countersign is listening at ${url}`, ...(issuer === url ? [] : [`issuer: ${issuer}`])];
  if (adminPassword !== undefined) lines.push("", `admin password: ${adminPassword}`, "", ...firstSteps(loopbackUrl));
  if (passwordFile !== undefined)
    lines.push("", `admin password: in ${passwordFile}; set another one and remove the file`);
  return `${lines.join("\n")}\n`;
}

function firstSteps(url: string | undefined): readonly string[] {
  if (url === undefined) {
    return ["It is shown this once. These settings keep this machine from logging in with it: see docs/operations.md"];
  }
  // Whether the command trusts the certificate cannot be known here.
  if (url.startsWith("https:")) return [`It is shown this once. The client loopback logs in with it at ${url}`];
  // A shell may take the brackets of an IPv6 address for a pattern.
  const base = url.includes("[") ? `'${url}'` : url;
  const place = url === "http://localhost:8080" ? "" : ` --url ${base}`;
  const run = "npx --no-install countersign";
  // Each is a line of its own that reads nothing but the terminal: pasted together they still run one after another.
  return [
    "It is shown this once. In another terminal, in the same folder; the first asks for the password:",
    "",
    `  ${run} login${place}`,
    `  ${run} client create --name app --scopes read --grants client_credentials --credential${place}`,
    `  ${run} token get --client-id THE-CLIENT-ID-IT-PRINTED${place}`,
    `  curl -s ${base}/.well-known/jwks.json`,
  ];
}

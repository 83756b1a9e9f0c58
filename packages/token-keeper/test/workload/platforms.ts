import type { Answer, Handler, Received } from "../support/token-server.ts";

/** An answer to one path of a platform; undefined when the request is not as the platform wants it. */
export type Route = (request: Received, url: URL) => Answer | undefined;

/** A platform by its routes: `GET /path`. What it does not know is 404, what is not as it wants it 400. */
function platform(routes: Readonly<Record<string, Route>>): Handler {
  return (request) => {
    const url = new URL(request.path, "http://platform");
    const route = routes[`${request.method} ${url.pathname}`];
    if (route === undefined) return { status: 404 };
    return route(request, url) ?? { status: 400 };
  };
}

const flavor = { "metadata-flavor": "Google" };
const googleFolder = "/computeMetadata/v1/instance/service-accounts/default";

/** The documented behaviour of each platform, for a token that is given. */
export const platforms = {
  github: (jwt: string) =>
    platform({
      "GET /token": ({ headers }, { searchParams }) => {
        if (headers.authorization !== "Bearer request-token") return { status: 401 };
        if (searchParams.get("api-version") !== "2.0" || searchParams.get("audience") !== "https://auth.example.com")
          return undefined;
        return { body: { count: 1, value: jwt } };
      },
    }),
  google: (jwt: string) =>
    platform({
      [`GET ${googleFolder}/identity`]: ({ headers }, { searchParams }) => {
        if (headers["metadata-flavor"] !== "Google") return { status: 403 };
        if (searchParams.get("audience") !== "https://auth.example.com") return undefined;
        return { headers: { ...flavor, "content-type": "text/html" }, body: jwt };
      },
      [`GET ${googleFolder}/token`]: ({ headers }, { searchParams }) => {
        if (headers["metadata-flavor"] !== "Google") return { status: 403 };
        if (searchParams.get("scopes") !== "a,b") return undefined;
        return { headers: flavor, body: { access_token: "ya29.a", expires_in: 3599, token_type: "Bearer" } };
      },
    }),
  azureMachine: (jwt: string) =>
    platform({
      "GET /metadata/identity/oauth2/token": ({ headers }, { searchParams }) => {
        if (headers.metadata !== "true" || searchParams.get("api-version") !== "2018-02-01") return undefined;
        if (searchParams.get("resource") !== "api://countersign" || searchParams.get("client_id") !== "user-assigned")
          return undefined;
        return { body: { access_token: jwt, expires_in: "3599", resource: "api://countersign", token_type: "Bearer" } };
      },
    }),
  azureAppService: (jwt: string) =>
    platform({
      "GET /msi/token": ({ headers }, { searchParams }) => {
        if (headers["x-identity-header"] !== "identity-header") return { status: 401 };
        if (searchParams.get("api-version") !== "2019-08-01") return undefined;
        return { body: { access_token: jwt, expires_on: "1", resource: "api://countersign", token_type: "Bearer" } };
      },
    }),
  aws: (jwt: string) =>
    platform({
      "PUT /latest/api/token": ({ headers }) =>
        headers["x-aws-ec2-metadata-token-ttl-seconds"] === undefined ? undefined : { body: "metadata-session" },
      "GET /latest/meta-data/iam/security-credentials/": ({ headers }) =>
        headers["x-aws-ec2-metadata-token"] === "metadata-session" ? { body: "web-role" } : { status: 401 },
      "GET /latest/meta-data/iam/security-credentials/web-role": ({ headers }) =>
        headers["x-aws-ec2-metadata-token"] === "metadata-session" ? { body: awsCredentials } : { status: 401 },
      "GET /v2/credentials": ({ headers }) =>
        headers.authorization === "agent-token" ? { body: awsCredentials } : { status: 401 },
      "POST /": ({ headers, parameters }) => {
        const isSigned = /^AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE\/\d{8}\/eu-central-1\/sts\/aws4_request, /;
        if (!isSigned.test(headers.authorization ?? "")) return { status: 403 };
        if (headers["x-amz-security-token"] !== "session-token") return { status: 403 };
        const asked = Object.fromEntries(parameters);
        if (asked.Action !== "GetWebIdentityToken" || asked["Audience.member.1"] !== "https://auth.example.com")
          return undefined;
        return { headers: { "content-type": "text/xml" }, body: webIdentity(jwt) };
      },
    }),
} satisfies Record<string, (jwt: string) => Handler>;

const awsCredentials = {
  Code: "Success",
  AccessKeyId: "ASIAEXAMPLE",
  SecretAccessKey: "secret-key",
  Token: "session-token",
  Expiration: "2099-01-01T00:00:00Z",
};

function webIdentity(jwt: string): string {
  const result = `<WebIdentityToken>${jwt}</WebIdentityToken><Expiration>2099-01-01T00:00:00Z</Expiration>`;
  return `<GetWebIdentityTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetWebIdentityTokenResult>${result}</GetWebIdentityTokenResult></GetWebIdentityTokenResponse>`;
}

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { type TokenSource, tokenKey } from "@countersign/token-keeper";
import {
  awsWebIdentitySource,
  azureManagedIdentitySource,
  containerCredentials,
  ec2Credentials,
  gitHubActionsSource,
  googleMetadataSource,
} from "@countersign/token-keeper/workload";
import { aContext } from "../support/context.ts";
import { unverifiedJwt } from "../support/jwt.ts";
import { startTokenServer } from "../support/token-server.ts";
import { platforms } from "./platforms.ts";

const audience = "https://auth.example.com";

/** Each source with the platform that it asks, and what it must not show. */
const sources: Record<
  string,
  { platform: keyof typeof platforms; make: (origin: string) => TokenSource; secrets: readonly string[] }
> = {
  "a GitHub Actions job": {
    platform: "github",
    make: (origin) =>
      gitHubActionsSource({ audience, requestUrl: `${origin}/token?api-version=2.0`, requestToken: "request-token" }),
    secrets: ["request-token"],
  },
  "a workload on Google Cloud": {
    platform: "google",
    make: (origin) => googleMetadataSource({ audience, origin }),
    secrets: [],
  },
  "a virtual machine on Azure": {
    platform: "azureMachine",
    make: (origin) => azureManagedIdentitySource({ resource: "api://countersign", clientId: "user-assigned", origin }),
    secrets: [],
  },
  "an App Service on Azure": {
    platform: "azureAppService",
    make: (origin) =>
      azureManagedIdentitySource({
        resource: "api://countersign",
        appService: { endpoint: `${origin}/msi/token`, header: "identity-header" },
      }),
    secrets: ["identity-header"],
  },
  "an EC2 instance": {
    platform: "aws",
    make: (origin) =>
      awsWebIdentitySource({
        audience,
        region: "eu-central-1",
        endpoint: origin,
        credentials: ec2Credentials({ origin }),
      }),
    secrets: ["secret-key", "session-token", "metadata-session"],
  },
  "a container on AWS": {
    platform: "aws",
    make: (origin) =>
      awsWebIdentitySource({
        audience,
        region: "eu-central-1",
        endpoint: origin,
        credentials: containerCredentials({ uri: `${origin}/v2/credentials`, authorization: "agent-token" }),
      }),
    secrets: ["secret-key", "agent-token"],
  },
};

describe("sources of workload identity", () => {
  for (const [name, { platform, make, secrets }] of Object.entries(sources)) {
    it(`get the JWT of ${name}, with the lifetime that it names`, async () => {
      const context = aContext();
      const now = Math.floor(context.clock.now() / 1000);
      const jwt = unverifiedJwt({ iss: "platform", iat: now, exp: now + 600 });
      await using server = await startTokenServer(platforms[platform](jwt));
      const token = await make(server.origin).request(context);
      assert.equal(token.accessToken.reveal(), jwt);
      assert.equal(token.untilExpired(context.clock.now()), 600_000 - (context.clock.now() % 1000));
    });

    it(`say of ${name} what may be tried again, and show no secret`, async () => {
      await using server = await startTokenServer(() => ({ status: 503, headers: { "retry-after": "7" } }));
      const source = make(server.origin);
      const context = aContext();
      const error = await source.request(context).catch((caught) => caught);
      assert.deepEqual([error.code, error.retryable, error.retryAfterMs], ["server_error", true, 7_000]);
      const shown = [inspect([error, context.events], { depth: 9 }), tokenKey(source.identity)].join();
      for (const secret of secrets) assert.ok(!shown.includes(secret), secret);
      server.handler = () => ({ status: 404 });
      await assert.rejects(source.request(aContext()), { code: "unexpected_status", retryable: true });
      server.handler = () => ({ body: "<html>not a token</html>" });
      await assert.rejects(source.request(aContext()), { code: "invalid_response" });
      server.handler = () => ({ status: 302, headers: { location: `${server.origin}/elsewhere` } });
      await assert.rejects(source.request(aContext()), { code: "redirect_refused" });
    });
  }

  it("get an access token of Google's for scopes", async () => {
    await using server = await startTokenServer(platforms.google("unused"));
    const token = await googleMetadataSource({ scope: ["a", "b"], origin: server.origin }).request(aContext());
    assert.deepEqual([token.accessToken.reveal(), token.lifetimeMs], ["ya29.a", 3_599_000]);
  });

  it("take no answer of a server that is not Google's metadata server", async () => {
    const jwt = unverifiedJwt({ exp: 9_999_999_999 });
    await using server = await startTokenServer(() => ({ body: jwt }));
    const source = googleMetadataSource({ audience, origin: server.origin });
    await assert.rejects(source.request(aContext()), { code: "invalid_response" });
  });

  const unusable: Record<string, () => unknown> = {
    "a job without the permission": () =>
      gitHubActionsSource({ audience, requestUrl: undefined, requestToken: undefined }),
    "a request URL without https": () =>
      gitHubActionsSource({ audience, requestUrl: "http://evil.example", requestToken: "request-token" }),
    "both an audience and scopes": () => googleMetadataSource({ audience, scope: ["a"] }),
    "neither an audience nor scopes": () => googleMetadataSource({}),
    "credentials from a host that is no agent": () => containerCredentials({ uri: "http://evil.example/" }),
    "a Security Token Service without https": () =>
      awsWebIdentitySource({ audience, region: "x", credentials: ec2Credentials(), endpoint: "http://evil.example" }),
  };
  for (const [name, make] of Object.entries(unusable))
    it(`refuse ${name} at construction`, () => assert.throws(make, TypeError));

  it("take the agents of ECS and EKS without https", () => {
    for (const uri of ["http://169.254.170.2/v2", "http://169.254.170.23/v1", "http://[fd00:ec2::23]/v1"])
      containerCredentials({ uri });
  });
});

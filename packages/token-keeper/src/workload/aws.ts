import { TokenError } from "../errors.ts";
import { requireSecureUrl } from "../http.ts";
import type { TokenSource } from "../source.ts";
import type { AwsCredentialsProvider } from "./aws-credentials.ts";
import { askPlatform, platformJwt, type WorkloadOptions } from "./metadata-request.ts";
import { signedHeaders } from "./signature-v4.ts";

/** Options of {@link awsWebIdentitySource}. */
export interface AwsWebIdentityOptions extends WorkloadOptions {
  /** For whom the token is: its `aud`. */
  readonly audience: string;
  /** The region whose Security Token Service is asked: the global one has no such call. */
  readonly region: string;
  /** Where the workload's credentials come from: {@link ec2Credentials}, {@link containerCredentials}, or your own. */
  readonly credentials: AwsCredentialsProvider;
  /** How the token is signed. @default "ES384" */
  readonly signingAlgorithm?: "ES384" | "RS256";
  /** How long it lives, 60 to 3600. @default 300 */
  readonly durationSeconds?: number;
  /** The Security Token Service. @default the region's */
  readonly endpoint?: string;
}

/**
 * The identity of a workload on AWS: a JWT of the Security Token Service for the role that its credentials have
 * (`GetWebIdentityToken`; the account must have outbound web identity federation enabled).
 *
 * @throws TypeError when the endpoint is not https or loopback.
 * @example
 * ```ts run
 * import { awsWebIdentitySource, ec2Credentials } from "@countersign/token-keeper/workload";
 * const source = awsWebIdentitySource({
 *   audience: "https://auth.example.com",
 *   region: "eu-central-1",
 *   credentials: ec2Credentials(),
 * });
 * console.log(source.identity.issuer); // https://sts.eu-central-1.amazonaws.com/
 * ```
 */
export function awsWebIdentitySource(options: AwsWebIdentityOptions): TokenSource {
  const { audience, region, credentials, signingAlgorithm = "ES384", durationSeconds = 300 } = options;
  const { endpoint = `https://sts.${region}.${region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com"}` } =
    options;
  const url = requireSecureUrl(endpoint, "endpoint of the Security Token Service");
  const body = new URLSearchParams({
    Action: "GetWebIdentityToken",
    Version: "2011-06-15",
    "Audience.member.1": audience,
    DurationSeconds: String(durationSeconds),
    SigningAlgorithm: signingAlgorithm,
  }).toString();
  return {
    identity: { issuer: url.href, clientId: region, grant: "aws_web_identity", audience },
    async request(context) {
      const unsigned = {
        host: url.host,
        region,
        service: "sts",
        headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8" },
        body,
        now: context.clock.now(),
      };
      const headers = signedHeaders(unsigned, await credentials(context));
      const { text } = await askPlatform({ url: url.href, method: "POST", headers, body }, context, options);
      const [, token] = /<WebIdentityToken>([\w.-]+)<\/WebIdentityToken>/.exec(text) ?? [];
      if (token === undefined) throw new TokenError("invalid_response", "The answer of AWS has no WebIdentityToken");
      return platformJwt(token, context, options);
    },
  };
}

import { TokenError } from "../errors.ts";
import { requireSecureUrl } from "../http.ts";
import { parseObject, stringMember } from "../json.ts";
import { type Secret, toSecret } from "../secret.ts";
import type { TokenSource } from "../source.ts";
import { askPlatform, platformJwt, type WorkloadOptions } from "./metadata-request.ts";

/** Options of {@link gitHubActionsSource}. */
export interface GitHubActionsOptions extends WorkloadOptions {
  /** For whom the token is: its `aud`. */
  readonly audience: string;
  /** `ACTIONS_ID_TOKEN_REQUEST_URL`, which a job with the permission `id-token: write` has. */
  readonly requestUrl: string | undefined;
  /** `ACTIONS_ID_TOKEN_REQUEST_TOKEN`, which comes with it. */
  readonly requestToken: string | Secret | undefined;
}

/**
 * The identity of a GitHub Actions job (and of a Forgejo one): a JWT that GitHub signs, which names repository, ref, environment
 * and workflow.
 *
 * @throws TypeError when the job has no permission to ask for one, or the URL is not https.
 * @example
 * ```ts run
 * import { gitHubActionsSource } from "@countersign/token-keeper/workload";
 * const source = gitHubActionsSource({
 *   audience: "https://auth.example.com",
 *   requestUrl: process.env.ACTIONS_ID_TOKEN_REQUEST_URL ?? "https://pipelines.example.com/token?api-version=2.0",
 *   requestToken: process.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN ?? "s3cr3t",
 * });
 * console.log(source.identity.grant); // github_actions
 * ```
 */
export function gitHubActionsSource(options: GitHubActionsOptions): TokenSource {
  const { audience, requestUrl, requestToken } = options;
  if (requestUrl === undefined || requestToken === undefined)
    throw new TypeError("Cannot ask for the job's identity: give the job the permission `id-token: write`");
  const url = requireSecureUrl(requestUrl, "request URL of GitHub Actions");
  url.searchParams.set("audience", audience);
  const secret = toSecret(requestToken, "request token");
  return {
    identity: { issuer: url.origin, clientId: "job", grant: "github_actions", audience },
    async request(context) {
      const headers = { accept: "application/json", authorization: `Bearer ${secret.reveal()}` };
      const { text } = await askPlatform({ url: url.href, headers }, context, options);
      const value = stringMember(parseObject(text) ?? {}, "value");
      if (value === undefined) throw new TokenError("invalid_response", "GitHub's answer has no value");
      return platformJwt(value, context, options);
    },
  };
}

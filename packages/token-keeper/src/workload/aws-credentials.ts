import { TokenError } from "../errors.ts";
import { requireSecureUrl } from "../http.ts";
import { parseObject, stringMember } from "../json.ts";
import { Secret, toSecret } from "../secret.ts";
import type { SourceContext } from "../source.ts";
import { askPlatform, type WorkloadOptions } from "./metadata-request.ts";
import type { AwsCredentials } from "./signature-v4.ts";

/** Where credentials of AWS come from: asked anew for each token. */
export type AwsCredentialsProvider = (context: SourceContext) => Promise<AwsCredentials>;

/** Options of {@link ec2Credentials}. */
export interface Ec2CredentialsOptions extends WorkloadOptions {
  /** The role of the instance. @default the one that the instance has */
  readonly role?: string;
  /** Where the metadata server is. @default "http://169.254.169.254" */
  readonly origin?: string;
}

/** The credentials of an EC2 instance's role, by version 2 of its metadata service. */
export function ec2Credentials(options: Ec2CredentialsOptions = {}): AwsCredentialsProvider {
  const { origin = "http://169.254.169.254" } = options;
  return async (context) => {
    const session = await askPlatform(
      {
        url: `${origin}/latest/api/token`,
        method: "PUT",
        headers: { "x-aws-ec2-metadata-token-ttl-seconds": "60" },
      },
      context,
      options,
    );
    const headers = { "x-aws-ec2-metadata-token": session.text };
    const folder = `${origin}/latest/meta-data/iam/security-credentials/`;
    const role = options.role ?? (await askPlatform({ url: folder, headers }, context, options)).text.trim();
    const url = folder + encodeURIComponent(role);
    return readCredentials((await askPlatform({ url, headers }, context, options)).text);
  };
}

/** Options of {@link containerCredentials}. */
export interface ContainerCredentialsOptions extends WorkloadOptions {
  /**
   * `AWS_CONTAINER_CREDENTIALS_FULL_URI`, or `http://169.254.170.2` with `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` behind it.
   */
  readonly uri: string;
  /** `AWS_CONTAINER_AUTHORIZATION_TOKEN`, or the content of the file of that name. @default none */
  readonly authorization?: string | Secret;
}

/** Where plain http is allowed: the agents of ECS and EKS. */
const AGENTS: ReadonlySet<string> = new Set(["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"]);

/**
 * The credentials of a task on ECS or a pod on EKS.
 *
 * @throws TypeError for a URI that is neither https, nor loopback, nor an agent of AWS.
 */
export function containerCredentials(options: ContainerCredentialsOptions): AwsCredentialsProvider {
  const isAgent = URL.canParse(options.uri) && AGENTS.has(new URL(options.uri).hostname);
  const { href: url } = requireSecureUrl(options.uri, "URI of container credentials", isAgent);
  const secret = options.authorization === undefined ? undefined : toSecret(options.authorization, "authorization");
  return async (context) => {
    const headers: Record<string, string> = secret === undefined ? {} : { authorization: secret.reveal() };
    return readCredentials((await askPlatform({ url, headers }, context, options)).text);
  };
}

function readCredentials(text: string): AwsCredentials {
  const body = parseObject(text) ?? {};
  const accessKeyId = stringMember(body, "AccessKeyId");
  const secretAccessKey = stringMember(body, "SecretAccessKey");
  const sessionToken = stringMember(body, "Token");
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new TokenError("invalid_response", "The answer holds no credentials of AWS");
  return {
    accessKeyId,
    secretAccessKey: new Secret(secretAccessKey, "secret access key"),
    sessionToken: sessionToken === undefined ? undefined : new Secret(sessionToken, "session token"),
  };
}

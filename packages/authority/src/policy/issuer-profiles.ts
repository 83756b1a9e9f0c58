/** How the tokens of a kind of issuer are read, and whom they are about. */
export interface IssuerProfile {
  /** What it is for, in words. */
  readonly about: string;
  /** By which grant its tokens come in. */
  readonly grant: "token-exchange" | "jwt-bearer";
  /** The kinds of token, as `subject_token_type` names them by their last part (RFC 8693 section 3). */
  readonly tokenTypes: readonly ("id_token" | "access_token" | "jwt")[];
  /** Which rules for JWTs apply: the name of a profile of the protocol. */
  readonly form: "id_token" | "access_token" | "workload_token" | "jwt_svid" | "jwt_authorization" | "id_jag";
  /** The issuer identifier, where there is only one. */
  readonly issuer?: string;
  /** Claims that its tokens have, and a token of another kind would lack. */
  readonly required: readonly string[];
  /** The longest that its tokens live, in seconds. */
  readonly maxLifetime: number;
  /** Whether a token is good for one exchange (jti, or else its content). */
  readonly singleUse: boolean;
}

const HOUR = 3600;
const DAY = 24 * HOUR;

const workload = {
  grant: "token-exchange",
  tokenTypes: ["jwt", "id_token"],
  form: "workload_token",
  singleUse: false,
} as const;

/** The kinds of issuer: presets over one mechanism. */
export const issuerProfiles = {
  "id-token": {
    about: "An OpenID provider's id tokens (OpenID Connect Core section 2)",
    grant: "token-exchange",
    tokenTypes: ["id_token"],
    form: "id_token",
    required: [],
    maxLifetime: DAY,
    singleUse: false,
  },
  "access-token": {
    about: "Another authorization server's access tokens (RFC 9068)",
    grant: "token-exchange",
    tokenTypes: ["access_token", "jwt"],
    form: "access_token",
    required: [],
    maxLifetime: DAY,
    singleUse: false,
  },
  jwt: { ...workload, about: "Any other JWT about a workload", required: [], maxLifetime: DAY },
  "github-actions": {
    ...workload,
    about: "A job of GitHub Actions",
    issuer: "https://token.actions.githubusercontent.com",
    required: ["repository", "repository_id", "repository_owner_id", "workflow_ref", "event_name"],
    maxLifetime: 6 * HOUR,
  },
  gitlab: {
    ...workload,
    about: "A job of GitLab CI/CD",
    issuer: "https://gitlab.com",
    required: ["project_id", "project_path", "namespace_id", "pipeline_id", "ref", "ref_type"],
    maxLifetime: DAY,
  },
  kubernetes: {
    ...workload,
    about: "A service account of Kubernetes, by a token that is bound to its pod (TokenRequest)",
    required: ["kubernetes.io"],
    maxLifetime: DAY,
  },
  aws: {
    ...workload,
    about: "A role of AWS (sts:GetWebIdentityToken)",
    required: ["https://sts.amazonaws.com/"],
    maxLifetime: HOUR,
  },
  google: {
    ...workload,
    about: "A service account of Google Cloud",
    issuer: "https://accounts.google.com",
    required: ["azp"],
    maxLifetime: HOUR,
  },
  azure: {
    ...workload,
    tokenTypes: ["jwt", "access_token"],
    about: "A managed identity or service principal of Microsoft Entra",
    required: ["oid", "tid"],
    maxLifetime: DAY + HOUR,
  },
  spiffe: {
    ...workload,
    tokenTypes: ["jwt"],
    about: "A JWT-SVID of a trust domain of SPIFFE; issuer is spiffe:// and the trust domain",
    form: "jwt_svid",
    required: [],
    maxLifetime: DAY,
  },
  assertion: {
    about: "Assertions by which a party asks for itself or for others (RFC 7523 section 2.1)",
    grant: "jwt-bearer",
    tokenTypes: [],
    form: "jwt_authorization",
    required: [],
    maxLifetime: HOUR,
    singleUse: true,
  },
  "id-jag": {
    about: "Identity assertions of an enterprise's identity provider (draft-ietf-oauth-identity-assertion-authz-grant)",
    grant: "jwt-bearer",
    tokenTypes: [],
    form: "id_jag",
    required: [],
    maxLifetime: HOUR,
    singleUse: true,
  },
} as const satisfies Record<string, IssuerProfile>;

/** The name of a kind of issuer. */
export type IssuerProfileName = keyof typeof issuerProfiles;

/** Every name. */
export const issuerProfileNames = Object.keys(issuerProfiles) as [IssuerProfileName, ...IssuerProfileName[]];

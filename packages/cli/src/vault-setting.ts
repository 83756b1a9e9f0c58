import { CliFailure } from "./failure.ts";
import { type JsonObject, textIn, textsIn } from "./json-members.ts";

/** The configuration of the auth method and of one role. */
export interface VaultSetting {
  readonly clientId: string;
  readonly mount: string;
  readonly role: string;
  readonly policies: readonly string[];
  /** The role of logins that name none, for the whole mount; it stays what it is when absent. */
  readonly defaultRole?: string;
  /** The source of keys: exactly one may be configured. */
  readonly source: { readonly oidc_discovery_url: string } | { readonly jwks_url: string };
  readonly bound_issuer: string;
  readonly algorithms: readonly string[];
  readonly user_claim: "sub" | "client_id";
  readonly bound_audiences?: readonly string[];
  readonly bound_subject?: string;
  readonly bound_claims?: Readonly<Record<string, string>>;
}

/** What the authority signs with and Vault can verify. It holds for the whole mount, so it is no matter of one client. */
const vaultAlgorithms: readonly string[] = ["ES256", "EdDSA", "RS256", "PS256"];

/**
 * What Vault checks, turned round: a token with `aud` needs bound_audiences, a role must bind something, `user_claim`
 * must be a text claim the token has. A client's own token has its id as `sub`, but none in the plain profile; the
 * tokens of people have theirs, so there the client is bound by `client_id`.
 *
 * @throws {CliFailure} for ML-DSA-65, which Vault does not know.
 */
export function settingFor(
  client: JsonObject,
  metadata: JsonObject,
  wishes: {
    readonly mount: string;
    readonly role: string;
    readonly policies: readonly string[];
    readonly byKeys: boolean;
    /** Whether its role becomes the mount's default. */
    readonly isDefault: boolean;
  },
): VaultSetting {
  const { mount, role, policies, byKeys, isDefault } = wishes;
  const issuer = String(metadata.issuer);
  const clientId = String(client.client_id);
  const algorithm = textIn(client, "access_token_signing_alg") ?? "ES256";
  if (algorithm === "ML-DSA-65") {
    throw new CliFailure("this client's tokens are of no use to Vault, which cannot verify ML-DSA-65", {
      hints: [`countersign client update ${clientId} --algorithm ES256`],
    });
  }
  const plain = client.access_token_profile === "plain";
  const forPeople = textsIn(client, "grants").includes("password");
  const [audience = issuer] = textsIn(client, "audience");
  return {
    clientId,
    mount,
    role,
    policies,
    ...(isDefault ? { defaultRole: role } : {}),
    source: byKeys ? { jwks_url: String(metadata.jwks_uri) } : { oidc_discovery_url: issuer },
    bound_issuer: issuer,
    algorithms: vaultAlgorithms,
    user_claim: plain && !forPeople ? "client_id" : "sub",
    ...(plain ? {} : { bound_audiences: [audience] }),
    ...(plain || forPeople ? { bound_claims: { client_id: clientId } } : { bound_subject: clientId }),
  };
}

import { createDecipheriv } from "node:crypto";
import { z } from "zod";
import type { PolicyInput } from "./document.ts";

const MAX_LIFETIME = 86_400;

const configSchema = z.strictObject({
  idp: z.string().min(1),
  jwk_endpoint: z.string().min(1),
  client_id: z.string().min(1),
  server_api: z.array(z.string().min(1)).min(1),
  scope: z.string(),
  expiration: z.number().int().min(1).max(MAX_LIFETIME),
});

/** The rule file of confidential-token-broker, as its JSON is read. */
export const tokenBrokerSchema = z.strictObject({ configs: z.array(configSchema).min(1).max(1000) });

type TokenBrokerRules = z.output<typeof tokenBrokerSchema>;

/**
 * The rules of confidential-token-broker as a policy: each provider with the keys of its own address, each entry a rule. As
 * with the original, a token is for all of `server_api`.
 */
export function policyOfTokenBroker({ configs }: TokenBrokerRules): PolicyInput {
  const providers = Map.groupBy(configs, ({ idp }) => idp);
  return {
    format: "countersign-policy/1",
    version: 1,
    exchange: {
      issuers: [...providers].map(([issuer, entries]) => ({
        issuer,
        profile: "id-token" as const,
        audiences: [...new Set(entries.map(({ client_id }) => client_id))],
        jwks_url: entries[0]?.jwk_endpoint ?? "",
      })),
      rules: configs.map(({ idp, client_id, server_api, scope, expiration }) => ({
        issuer: idp,
        audiences: [client_id],
        gives: {
          audiences: server_api,
          every_audience: true,
          scopes: scope.split(" ").filter((word) => word !== ""),
          lifetime: expiration,
        },
      })),
    },
  };
}

/** Whether two entries name other addresses for the keys of one provider: one of them would not count. */
export function keysDiffer({ configs }: TokenBrokerRules): string | undefined {
  const places = Map.groupBy(configs, ({ idp }) => idp);
  return [...places].find(([, entries]) => new Set(entries.map(({ jwk_endpoint }) => jwk_endpoint)).size > 1)?.[0];
}

/**
 * The JSON of a `CONFIG` file as confidential-token-broker encrypts it: AES-128-CTR with a key and an IV of zeros, which keeps
 * nothing secret and notices no change. It is read to be written anew, never to be run.
 */
export function decryptTokenBrokerFile(bytes: Uint8Array): string {
  const zeros = Buffer.alloc(16);
  const decipher = createDecipheriv("aes-128-ctr", zeros, zeros);
  return Buffer.concat([decipher.update(bytes), decipher.final()]).toString("utf8");
}

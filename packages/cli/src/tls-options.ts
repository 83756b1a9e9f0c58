import type { TlsOptions } from "@countersign/authority/node";
import { CliFailure } from "./failure.ts";
import { readBytes } from "./open-authority.ts";
import type { Settings } from "./settings-schema.ts";

/**
 * Reads the files that TLS is served with; `undefined` for plain HTTP.
 *
 * @throws {CliFailure} when one is missing or cannot be read.
 */
export function tlsOptions({ tls }: Settings): TlsOptions | undefined {
  if (tls.cert === undefined && tls.key === undefined) {
    if (tls.client_ca === undefined && tls.client_crl === undefined) return undefined;
    throw new CliFailure("client certificates need TLS", { hints: ["give --tls-cert and --tls-key too"] });
  }
  if (tls.cert === undefined || tls.key === undefined) {
    throw new CliFailure("a certificate and its key belong together", {
      hints: ["give both --tls-cert and --tls-key"],
    });
  }
  if (tls.client_crl !== undefined && tls.client_ca === undefined) {
    throw new CliFailure("revocation lists need the authorities they are of", { hints: ["give --tls-client-ca too"] });
  }
  return {
    cert: readBytes(tls.cert),
    key: readBytes(tls.key),
    ...(tls.client_ca === undefined ? {} : { clientAuthorities: readBytes(tls.client_ca) }),
    ...(tls.client_crl === undefined ? {} : { clientRevocations: readBytes(tls.client_crl) }),
  };
}

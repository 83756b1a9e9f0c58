import { createSecureContext, type SecureContextOptions } from "node:tls";
import type { CountersignConfig } from "../config.ts";
import { SdkError } from "../errors.ts";

/** What connections are made with. The server is verified whatever `NODE_TLS_REJECT_UNAUTHORIZED` says. */
export interface TlsOptions extends Pick<SecureContextOptions, "ca" | "cert" | "key" | "minVersion"> {
  readonly rejectUnauthorized: true;
}

/**
 * The TLS side of a configuration.
 *
 * @throws {SdkError} `ssl_config` when certificate and key do not belong together, or one cannot be read.
 */
export function tlsOptions({
  serverCa,
  mtlsCert,
  mtlsKey,
}: Partial<Pick<CountersignConfig, "serverCa" | "mtlsCert" | "mtlsKey">>): TlsOptions {
  const options: TlsOptions = {
    minVersion: "TLSv1.2",
    rejectUnauthorized: true,
    ...(serverCa === undefined ? {} : { ca: serverCa }),
    ...(mtlsCert === undefined ? {} : { cert: mtlsCert }),
    ...(mtlsKey === undefined ? {} : { key: mtlsKey }),
  };
  try {
    createSecureContext(options);
    return options;
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
    throw new SdkError("ssl_config", { cause, ...(code === undefined ? {} : { detail: code }) });
  }
}

import type { ResolvedConfig } from "../config.ts";
import { SdkError } from "../errors.ts";
import { http1Transport } from "./http1.ts";
import { http2Transport } from "./http2.ts";
import { type TlsOptions, tlsOptions } from "./tls.ts";
import type { Transport } from "./transport.ts";

const transports: Readonly<Record<string, (tls: TlsOptions) => Transport>> = {
  http1: http1Transport,
  http2: http2Transport,
};

/** The transport that a configuration asks for. @throws {SdkError} `unsupported_protocol` or `ssl_config` */
export function transportOf(config: ResolvedConfig): Transport {
  const make = transports[config.protocol];
  if (make === undefined) throw new SdkError("unsupported_protocol");
  return make(tlsOptions(config));
}

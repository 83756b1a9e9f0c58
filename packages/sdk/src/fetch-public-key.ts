import { systemClock } from "@countersign/protocol";
import { originOf, parseServerAddress, portOf } from "./address.ts";
import { type Api, type CallOptions, createApi } from "./api.ts";
import { SdkError } from "./errors.ts";
import { http1Transport } from "./transport/http1.ts";
import { tlsOptions } from "./transport/tls.ts";

/** Asks an authority that nothing but its address is known of; here a port in the address goes before the other one. */
async function ask<Result>(
  baseUrl: string,
  port: number | undefined,
  serverCa: string | undefined,
  call: (api: Api, origin: string) => Promise<Result>,
): Promise<Result> {
  const address = parseServerAddress(baseUrl);
  const origin = originOf({ host: address.host, port: address.port ?? portOf(port ?? 443) });
  const transport = http1Transport(tlsOptions(serverCa === undefined ? {} : { serverCa }));
  try {
    return await call(createApi(transport, systemClock, 30_000), origin);
  } finally {
    transport.close();
  }
}

/**
 * Fetches the public key of an authority, in PEM, without a client.
 *
 * @param serverCa The certificates that sign the server's, PEM.
 * @throws {SdkError} `http_client`, `timed_out`, `http_status`, `invalid_response`
 */
export async function fetchPublicKey(
  baseUrl: string,
  port: number | undefined,
  serverCa: string,
  options: CallOptions = {},
): Promise<string> {
  const { publicKey } = await ask(baseUrl, port, serverCa, (api, origin) =>
    api.call("/public_key", {}, { ...options, origin }),
  );
  return publicKey;
}

/** The same over HTTP/3, which no runtime that this package runs in has. @throws {SdkError} `unsupported_protocol` always */
export async function fetchPublicKeyHttp3(): Promise<string> {
  throw new SdkError("unsupported_protocol");
}

/**
 * Fetches the certificates that sign the server's, in PEM, from a server whose certificate the runtime trusts already.
 *
 * @throws {SdkError} `http_client`, `timed_out`, `http_status`; `invalid_response` also for what is no certificate.
 */
export async function fetchCaCert(baseUrl: string, port?: number, options: CallOptions = {}): Promise<string> {
  const { caCertPem } = await ask(baseUrl, port, undefined, (api, origin) =>
    api.call("/ca_cert", {}, { ...options, origin }),
  );
  if (caCertPem.includes("-----BEGIN CERTIFICATE-----")) return caCertPem;
  throw new SdkError("invalid_response", { detail: "ca_cert_pem holds no certificate" });
}

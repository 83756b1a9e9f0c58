import { CountersignError } from "@countersign/protocol";
import type { Connection } from "../caller.ts";
import { readCertificate } from "../values/certificate.ts";
import type { HeaderLookup } from "./message.ts";

/** A byte sequence of RFC 8941 section 3.3.5. */
const BYTE_SEQUENCE = /^:([A-Za-z0-9+/]+={0,2}):$/;

/**
 * The client certificate that a proxy hands over (RFC 9440 section 2.2), which it has verified; nothing without the header.
 *
 * @throws {CountersignError} `invalid_request` when the header is not one certificate: several lines of it come from the
 * client too, as a proxy sends one.
 */
export function forwardedCertificate(headers: HeaderLookup): Connection["certificate"] {
  const value = headers.get("client-cert");
  if (value === null) return undefined;
  const encoded = BYTE_SEQUENCE.exec(value.trim())?.[1];
  const der = encoded === undefined ? undefined : new Uint8Array(Buffer.from(encoded, "base64"));
  if (der === undefined || readCertificate(der) === undefined) {
    throw new CountersignError("invalid_request", {
      hint: "The proxy in front of this server does not say who the client is; its operator finds the reason in the log",
      detail: "client-cert is not one certificate as RFC 9440 writes it; see server.client_certificate_header",
    });
  }
  return { der, trusted: true };
}

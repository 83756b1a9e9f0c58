import type { Peer } from "../../caller.ts";
import type { Config } from "../../config.ts";
import { isIdentity } from "../../policy/names.ts";
import { type AlternativeName, alternativeNames, usableCertificate } from "../../values/certificate.ts";
import { fitsHostPattern } from "../../values/host-pattern.ts";

/** Whom a certificate names, or why it names nobody. */
export type CertificateIdentity = { readonly identity: string } | { readonly refused: string };

/**
 * The identity that a client certificate proves: its one URI, with the scheme in lower case (RFC 3986 section 3.1), or else
 * its one host name that is configured to be an identity. Never the common name (RFC 9525 section 2).
 */
export function certificateIdentity(
  { certificate }: Pick<Peer, "certificate">,
  { capability }: Pick<Config, "capability">,
  now: number,
): CertificateIdentity {
  if (certificate === undefined) return { refused: "no client certificate was presented" };
  if (!certificate.trusted) return { refused: "the client certificate is not of an authority that is trusted here" };
  const usable = usableCertificate(certificate.der, now);
  if (usable === undefined) return { refused: "the client certificate is out of its dates, or not for clients" };
  const names = alternativeNames(usable);
  const uris = valuesOf(names, "uri");
  if (uris.length > 0) return onlyOne(uris.map(identityOfUri), "URI");
  const hosts = valuesOf(names, "dns").map((host) => host.toLowerCase());
  const fitting = hosts.filter((host) => capability.san_dns.some((pattern) => fitsHostPattern(host, pattern)));
  return onlyOne(fitting, "URI, and no host name that capability.san_dns has");
}

function valuesOf(names: readonly AlternativeName[], kind: AlternativeName["kind"]): readonly string[] {
  return names.filter((name) => name.kind === kind).map(({ value }) => value);
}

/** `URI:urn:example:a`, as the issuer wrote it, is `uri:urn:example:a`. */
function identityOfUri(uri: string): string {
  const colon = uri.indexOf(":");
  return `${uri.slice(0, colon).toLowerCase()}${uri.slice(colon)}`;
}

/** Of two identities nobody knows which one asks. */
function onlyOne(identities: readonly string[], what: string): CertificateIdentity {
  const [identity, ...others] = new Set(identities);
  if (identity === undefined) return { refused: `the client certificate has no ${what}` };
  if (others.length > 0) return { refused: "the client certificate has several identities" };
  if (/^[\x21-\x7e]+$/.test(identity) && isIdentity(identity)) return { identity };
  return { refused: "the name in the client certificate is no identity" };
}

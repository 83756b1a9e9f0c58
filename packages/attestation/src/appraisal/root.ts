import { fromBase64 } from "../encoding/text.ts";
import { type Certificate, parseCertificate } from "../x509/certificate.ts";

/** A certificate at the end of chains that a verifier trusts because it was told to. */
export interface TrustedRoot {
  /** What it is called in results. */
  readonly name: string;
  /** The certificate, read. */
  readonly certificate: Certificate;
  /** Whether it vouches for environments that are simulated: such evidence proves nothing. */
  readonly simulated: boolean;
}

/** Makes a root of a certificate in DER. */
export function trustRoot(der: Uint8Array, options: { readonly simulated?: boolean } = {}): TrustedRoot {
  const certificate = parseCertificate(der, "the trusted root");
  return { name: certificate.commonName ?? "unnamed root", certificate, simulated: options.simulated ?? false };
}

// SHA-256 44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3.
const INTEL_SGX_ROOT = [
  "MIICjzCCAjSgAwIBAgIUImUM1lqdNInzg7SVUr9QGzknBqwwCgYIKoZIzj0EAwIwaDEaMBgGA1UEAwwRSW50ZWwgU0dYIFJvb3QgQ0ExGjAYBg",
  "NVBAoMEUludGVsIENvcnBvcmF0aW9uMRQwEgYDVQQHDAtTYW50YSBDbGFyYTELMAkGA1UECAwCQ0ExCzAJBgNVBAYTAlVTMB4XDTE4MDUyMTEw",
  "NDUxMFoXDTQ5MTIzMTIzNTk1OVowaDEaMBgGA1UEAwwRSW50ZWwgU0dYIFJvb3QgQ0ExGjAYBgNVBAoMEUludGVsIENvcnBvcmF0aW9uMRQwEg",
  "YDVQQHDAtTYW50YSBDbGFyYTELMAkGA1UECAwCQ0ExCzAJBgNVBAYTAlVTMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEC6nEwMDIYZOj/iPW",
  "sCzaEKi71OiOSLRFhWGjbnBVJfVnkY4u3IjkDYYL0MxO4mqsyYjlBalTVYxFP2sJBK5zlKOBuzCBuDAfBgNVHSMEGDAWgBQiZQzWWp00ifODtJ",
  "VSv1AbOScGrDBSBgNVHR8ESzBJMEegRaBDhkFodHRwczovL2NlcnRpZmljYXRlcy50cnVzdGVkc2VydmljZXMuaW50ZWwuY29tL0ludGVsU0dY",
  "Um9vdENBLmRlcjAdBgNVHQ4EFgQUImUM1lqdNInzg7SVUr9QGzknBqwwDgYDVR0PAQH/BAQDAgEGMBIGA1UdEwEB/wQIMAYBAf8CAQEwCgYIKo",
  "ZIzj0EAwIDSQAwRgIhAOW/5QkR+S9CiSDcNoowLuPRLsWGf/Yi7GSX94BgwTwgAiEA4J0lrHoMs+Xo5o/sX6O9QWxHRAvZUGOdRQ7cvqRXaqI=",
].join("");

/** Intel's root of SGX and TDX, valid until 2049. */
export const intelSgxRoot: TrustedRoot = trustRoot(fromBase64(INTEL_SGX_ROOT, "a constant"));

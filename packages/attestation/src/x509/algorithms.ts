import { fromHex, toHex } from "../encoding/text.ts";

/** How a certificate, a revocation list or a report is signed. */
export type SignatureAlgorithm = "ES256" | "ES384" | "RS256" | "PS384" | "EdDSA" | "P384-SHA256";

/** AlgorithmIdentifiers in DER, whole: what is not written like this is another algorithm. */
const IDENTIFIERS: Readonly<Record<string, SignatureAlgorithm>> = {
  // ecdsa-with-SHA256 and ecdsa-with-SHA384 (RFC 5758 section 3.2: no parameters).
  // Mbed TLS, and so Gramine, writes NULL parameters: read, and not written.
  "300c06082a8648ce3d0403020500": "ES256",
  "300a06082a8648ce3d040302": "ES256",
  "300a06082a8648ce3d040303": "ES384",
  // sha256WithRSAEncryption (RFC 4055 section 5: written with NULL parameters, read without them as well).
  "300b06092a864886f70d01010b": "RS256",
  "300d06092a864886f70d01010b0500": "RS256",
  // id-Ed25519 (RFC 8410 section 3).
  "300506032b6570": "EdDSA",
  // RSASSA-PSS with SHA-384, MGF1 with SHA-384 and 48 bytes of salt, with and without the default trailer field; AMD writes it.
  "304106092a864886f70d01010a3034a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130":
    "PS384",
  "304606092a864886f70d01010a3039a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130a303020101":
    "PS384",
};

/** The algorithm that an AlgorithmIdentifier names, or `undefined`. */
const algorithmOf = (identifier: Uint8Array): SignatureAlgorithm | undefined => IDENTIFIERS[toHex(identifier)];

/** What the SubjectPublicKeyInfo of a key on P-384 begins with. */
const P384 = "3076301006072a8648ce3d020106052b81040022";

/** The algorithm of a signature under a key: ECDSA names the digest alone, and Gramine uses SHA-256 on P-384. */
export function algorithmUnder(identifier: Uint8Array, spki: Uint8Array): SignatureAlgorithm | undefined {
  const named = algorithmOf(identifier);
  return named === "ES256" && toHex(spki).startsWith(P384) ? "P384-SHA256" : named;
}

/** The AlgorithmIdentifier of an algorithm. */
export function identifierOf(algorithm: SignatureAlgorithm): Uint8Array<ArrayBuffer> {
  const [hex = ""] = Object.entries(IDENTIFIERS).findLast(([, name]) => name === algorithm) ?? [];
  return fromHex(hex, "a constant");
}

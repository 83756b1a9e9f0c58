import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8 } from "../encoding.ts";
import type { Secret } from "../secret.ts";

/** Credentials of AWS. */
export interface AwsCredentials {
  /** `AccessKeyId`. */
  readonly accessKeyId: string;
  /** `SecretAccessKey`. */
  readonly secretAccessKey: Secret;
  /** The token of temporary credentials. @default none */
  readonly sessionToken?: Secret | undefined;
}

/** A request that is to be signed: `POST /` with a body. */
export interface UnsignedRequest {
  readonly host: string;
  readonly region: string;
  readonly service: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** The headers of a request, signed with AWS Signature Version 4. */
export function signedHeaders(request: UnsignedRequest, credentials: AwsCredentials): Record<string, string> {
  const date = new Date(request.now).toISOString().replace(/[-:]|\.\d{3}/g, "");
  const { sessionToken } = credentials;
  const headers: Record<string, string> = {
    ...request.headers,
    host: request.host,
    "x-amz-date": date,
    ...(sessionToken === undefined ? {} : { "x-amz-security-token": sessionToken.reveal() }),
  };
  const names = Object.keys(headers).sort();
  const lines = names.map((name) => `${name}:${headers[name]?.trim().replace(/ +/g, " ")}\n`).join("");
  const canonical = ["POST", "/", "", lines, names.join(";"), hex(sha256(utf8(request.body)))].join("\n");
  const scope = `${date.slice(0, 8)}/${request.region}/${request.service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", date, scope, hex(sha256(utf8(canonical)))].join("\n");
  const signature = hex(hmac(sha256, signingKey(credentials, scope), utf8(toSign)));
  const { host: _, ...sent } = headers;
  return {
    ...sent,
    authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`,
  };
}

function signingKey({ secretAccessKey }: AwsCredentials, scope: string): Uint8Array {
  return scope
    .split("/")
    .reduce<Uint8Array>((key, part) => hmac(sha256, key, utf8(part)), utf8(`AWS4${secretAccessKey.reveal()}`));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

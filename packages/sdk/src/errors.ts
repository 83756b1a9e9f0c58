import type { ErrorCode } from "@countersign/protocol";
import { CountersignError } from "@countersign/protocol/capability";

/** What an error of this package says about itself. */
export interface SdkErrorRow {
  /** What went wrong. */
  readonly text: string;
  /** How to mend it. */
  readonly hint: string;
}

const CONFIGURATION = "Configuration error: ";
const INVALID_RESPONSE = "Invalid response: ";

/** Every error of this package but the refusals of tokens, which have the codes of the protocol's catalogue. */
export const sdkErrors = {
  missing_base_url: {
    text: `${CONFIGURATION}Base URL is required but was not provided`,
    hint: "Set base_url, COUNTERSIGN_BASE_URL or builder().baseUrl() to the host of the authority",
  },
  invalid_base_url: {
    text: `${CONFIGURATION}Base URL is not a host`,
    hint: "Write host, host:port or https://host:port; an IPv6 address with a port in brackets",
  },
  invalid_port: {
    text: `${CONFIGURATION}Invalid port number. Port must be a valid number between 1-65535`,
    hint: "Set the port to a whole number in that range, or leave it out for 443",
  },
  missing_certificate: {
    text: `${CONFIGURATION}mTLS certificate is required but was not provided`,
    hint: "Set mtls_cert beside mtls_key, or neither",
  },
  missing_key: {
    text: `${CONFIGURATION}mTLS key is required but was not provided`,
    hint: "Set mtls_key beside mtls_cert, or neither",
  },
  missing_server_ca: {
    text: `${CONFIGURATION}Server CA certificate is required but was not provided`,
    hint: "Set server_ca to the PEM text of the certificate authority that signed the server's certificate",
  },
  invalid_certificate: {
    text: `${CONFIGURATION}Invalid certificate format`,
    hint: "Give PEM text, whole, with its BEGIN and END lines; a path goes into the variable that ends in _FILE",
  },
  io_error: {
    text: `${CONFIGURATION}I/O error occurred while reading configuration`,
    hint: "Check that the file exists and that this process may read it",
  },
  parse_error: {
    text: `${CONFIGURATION}Failed to parse configuration data`,
    hint: "Check the place that is named; files that end in .toml are TOML, all others JSON",
  },
  env_var_error: {
    text: `${CONFIGURATION}Environment variable error`,
    hint: "Put base64 of the PEM text, or the PEM text itself, into the variable; a path into the one that ends in _FILE",
  },
  unsupported_protocol: {
    text: `${CONFIGURATION}HTTP/3 is not available in this runtime`,
    hint: 'Set protocol to "http1" or "http2"; Node has no HTTP/3 client',
  },
  ssl_config: {
    text: "SSL configuration error: The certificates or the key cannot be used",
    hint: "Check that mtls_cert and mtls_key belong together and that server_ca holds certificates",
  },
  http_client: {
    text: "HTTP client error: The authority could not be reached",
    hint: "Check host and port, that the server's certificate names the host, and that server_ca signed it",
  },
  timed_out: {
    text: "HTTP client error: The authority did not answer in time",
    hint: "Check its load and the network, or raise timeoutMs",
  },
  http_status: {
    text: `${INVALID_RESPONSE}HTTP error`,
    hint: "Read what the authority says; status and responseMsg hold it",
  },
  invalid_response: {
    text: `${INVALID_RESPONSE}Failed to parse response`,
    hint: "Check that the address is that of an authority, and that nothing between rewrites its answers",
  },
  no_token: {
    text: "Failed to get token",
    hint: "Read what the authority says; check the policy for this identity, resource and operation",
  },
  signoff_failed: {
    text: "Signoff failed",
    hint: "See the cause; the party's service has to be reachable and its policy has to allow the right",
  },
  invalid_signoff_response: {
    text: "Invalid signoff response",
    hint: "The party answered with something else than the token with its signoff; ask its operator",
  },
  incomplete_signoffs: {
    text: "Signoff collection incomplete",
    hint: "The authority did not name the service of every party; check its policy for this resource",
  },
  missing_public_key: {
    text: "Public key not configured",
    hint: "Call setup(), or set public_key to the PEM text that GET /public_key answers",
  },
  missing_personal_keypair: {
    text: "Personal keypair not configured",
    hint: "Set personal_keypair to a PKCS#8 private key in PEM",
  },
} as const satisfies Record<string, SdkErrorRow>;

/** The stable name of an error: one of {@link sdkErrors}, or of the protocol's catalogue for a token that is refused. */
export type SdkErrorCode = keyof typeof sdkErrors | ErrorCode;

/** What an {@link SdkError} carries beside its code; never a secret. */
export interface SdkErrorDetails {
  /** Follows the text after a colon. */
  readonly detail?: string;
  /** What it came from. */
  readonly cause?: unknown;
  /** The HTTP status of the response. */
  readonly status?: number;
  /** What the authority says, where its response has that member. */
  readonly responseMsg?: string | undefined;
}

const isOwn = (code: SdkErrorCode): code is keyof typeof sdkErrors => Object.hasOwn(sdkErrors, code);

/**
 * The one error class of this package: `code` tells the case, `hint` how to mend it. A token that is refused has the code
 * of the refusal, and the refusal with its data as `refusal`.
 *
 * @example
 * ```ts
 * import { SdkError } from "@countersign/sdk";
 * const isExpired = (error: unknown): boolean => error instanceof SdkError && error.code === "token_expired";
 * ```
 */
export class SdkError extends Error {
  override readonly name = "SdkError";
  /** The stable name of the case. */
  readonly code: SdkErrorCode;
  /** How to mend it. */
  readonly hint: string;
  /** The HTTP status of the response, where there was one. */
  readonly status: number | undefined;
  /** What the authority says, where its response has that member. */
  readonly responseMsg: string | undefined;
  /** Why the token was refused, with its data; absent where it is no token that was. */
  readonly refusal: CountersignError | undefined;

  /** Makes an error of {@link sdkErrors}, or of a refusal. */
  constructor(source: keyof typeof sdkErrors | CountersignError, details: SdkErrorDetails = {}) {
    const { detail } = details;
    const refusal = source instanceof CountersignError ? source : undefined;
    const code = source instanceof CountersignError ? source.code : source;
    const text = refusal === undefined && isOwn(code) ? sdkErrors[code].text : `Token error: ${refusal?.message}`;
    super(detail === undefined ? text : `${text}: ${detail}`, { cause: details.cause ?? refusal });
    this.code = code;
    this.hint = refusal === undefined && isOwn(code) ? sdkErrors[code].hint : (refusal?.message ?? "");
    this.status = details.status;
    this.responseMsg = details.responseMsg;
    this.refusal = refusal;
  }
}

/** The refusal of a token as an error of this package, with the sentence for the log behind it. */
function refused(refusal: CountersignError): SdkError {
  return new SdkError(refusal, refusal.detail === undefined ? {} : { detail: refusal.detail });
}

/** Runs what judges tokens; its refusals are thrown as errors of this package. */
export async function telling<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof CountersignError ? refused(error) : error;
  }
}

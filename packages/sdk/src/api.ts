import { type Clock, parseJson } from "@countersign/protocol";
import {
  type CapabilityMessage,
  type CapabilityPath,
  type CapabilityResponse,
  capabilityEndpoints,
  readCapabilityResponse,
} from "@countersign/protocol/capability";
import { type CamelCased, camelCased } from "./camel-case.ts";
import { SdkError } from "./errors.ts";
import type { Transport, TransportRequest, TransportResponse } from "./transport/transport.ts";
import { within } from "./within.ts";

/** What a call may be given beside its message. */
export interface CallOptions {
  /** Ends the call. @default none */
  readonly signal?: AbortSignal | undefined;
  /** How long a response is waited for. @default that of the client, 30,000 */
  readonly timeoutMs?: number | undefined;
}

/** A call as the client makes it. */
export interface ApiCall extends CallOptions {
  /** `https://host:port`. */
  readonly origin: string;
  /** An identity token, for the Authorization header. */
  readonly bearer?: string | undefined;
}

/** A message as it is sent: what is null is said to be null. */
type Sent<Message> = { readonly [Name in keyof Message]: Message[Name] | null };

/** What an endpoint answers, with members in camelCase. */
export type EndpointResponse<Path extends CapabilityPath> = CamelCased<CapabilityResponse<Path>>;

/** Characters of a response that an error repeats at most. */
const MAX_SHOWN = 500;
const MAX_BYTES = 1024 * 1024;

const textOf = (body: Uint8Array): string => new TextDecoder().decode(body);

function jsonOf(body: Uint8Array): unknown {
  return parseJson(body, { maxBytes: MAX_BYTES });
}

function messageIn(body: Uint8Array): string | undefined {
  try {
    const json = jsonOf(body);
    const member = typeof json === "object" && json !== null ? new Map(Object.entries(json)).get("response_msg") : null;
    return typeof member === "string" ? member : undefined;
  } catch {
    return undefined;
  }
}

function statusError({ status, body }: TransportResponse): SdkError {
  const responseMsg = messageIn(body);
  const said = (responseMsg ?? textOf(body)).slice(0, MAX_SHOWN);
  return new SdkError("http_status", {
    status,
    responseMsg,
    detail: said === "" ? `${status}` : `${status} - ${said}`,
  });
}

function read<Path extends CapabilityPath>(path: Path, response: TransportResponse): EndpointResponse<Path> {
  if (response.status < 200 || response.status > 299) throw statusError(response);
  try {
    return camelCased(readCapabilityResponse(path, jsonOf(response.body)));
  } catch (cause) {
    const detail = cause instanceof Error && "detail" in cause ? String(cause.detail) : "the body is no JSON";
    throw new SdkError("invalid_response", { status: response.status, detail, cause });
  }
}

/** The code of an error, or of what caused it: HTTP/2 tells that a stream ended before it tells why. */
function codeIn(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const own = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return codeIn(error.cause) ?? own;
}

/** What the runtime says of a connection that failed: its code tells certificates from networks. */
function connectionError(cause: unknown): SdkError {
  const detail = codeIn(cause) ?? (cause instanceof Error ? cause.message : undefined);
  return new SdkError("http_client", { cause, ...(detail === undefined ? {} : { detail }) });
}

/** What the endpoints are called through. */
export interface Api {
  /**
   * Calls one endpoint.
   *
   * @throws {SdkError} `http_client`, `timed_out`, `http_status` or `invalid_response`; the reason of the caller's signal.
   */
  call<Path extends CapabilityPath>(
    path: Path,
    message: Sent<CapabilityMessage<Path>>,
    call: ApiCall,
  ): Promise<EndpointResponse<Path>>;
}

/** An {@link Api} over a transport. */
export function createApi(transport: Transport, clock: Pick<Clock, "sleep">, defaultTimeoutMs: number): Api {
  return {
    async call(path, message, { origin, bearer, signal, timeoutMs = defaultTimeoutMs }) {
      const { method } = capabilityEndpoints[path];
      const body = method === "POST" ? JSON.stringify(message) : undefined;
      const request: Omit<TransportRequest, "signal"> = {
        origin,
        method,
        path,
        body,
        headers: headersOf(body, bearer),
      };
      const response = await within({ clock, timeoutMs, signal }, (ended) =>
        transport.send({ ...request, signal: ended }).catch((error: unknown) => {
          throw ended.aborted ? ended.reason : connectionError(error);
        }),
      );
      return read(path, response);
    },
  };
}

function headersOf(body: string | undefined, bearer: string | undefined): Record<string, string> {
  return {
    accept: "application/json",
    "accept-encoding": "identity",
    ...(body === undefined
      ? {}
      : { "content-type": "application/json", "content-length": `${Buffer.byteLength(body)}` }),
    ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
  };
}

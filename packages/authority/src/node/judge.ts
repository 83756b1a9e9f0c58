import type { IncomingMessage } from "node:http";
import type { ErrorCode } from "@countersign/protocol";
import type { HeaderScan } from "./header-scan.ts";
import type { ServerLimits } from "./limits.ts";
import { resolveTarget } from "./request-target.ts";

/** The methods that some route may take. TRACE would echo headers back (RFC 9110 section 9.3.8). */
export const methods: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** Why a message does not reach the authority. */
export interface Refusal {
  readonly refused: ErrorCode;
  /** Whether it is uncertain where the message ends. */
  readonly unframed?: true;
  /** The URL of the request, when it is known. */
  readonly url?: string;
}

/** The URL of a request, or why it is refused. */
export type Verdict = { readonly url: string } | Refusal;

/** Judges what can be judged before the body is read. */
export function judge(
  incoming: IncomingMessage,
  scan: HeaderScan,
  { scheme, limits }: { readonly scheme: "http" | "https"; readonly limits: ServerLimits },
): Verdict {
  const fault = framingFault(incoming, scan);
  if (fault !== undefined) return { refused: fault, unframed: true };
  if (!methods.has(incoming.method ?? "")) return { refused: "method_not_allowed" };
  if (scan.repeated) return { refused: "invalid_request" };
  const target = resolveTarget(scheme, incoming.url ?? "", scan.host);
  if ("refused" in target) return target;
  if (scan.hasBody && scan.encoded) return { ...target, refused: "unsupported_media_type" };
  if ((scan.announcedBytes ?? 0) > limits.bodyBytes) return { ...target, refused: "payload_too_large" };
  return target;
}

/**
 * What makes a message's end uncertain (RFC 9112 sections 2.3 and 6.1). Node's parser reads lines of HTTP/0.9 and 2.0 as
 * if they were 1.1 without a Host, reads chunks in HTTP/1.0, and takes codings that it does not decode for none.
 */
function framingFault({ httpVersion }: IncomingMessage, { transferCodings }: HeaderScan): ErrorCode | undefined {
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return "http_version_not_supported";
  if (transferCodings === undefined) return undefined;
  const codings = transferCodings.toLowerCase().split(",");
  if (httpVersion === "1.0" || codings.at(-1)?.trim() !== "chunked") return "invalid_request";
  return codings.length === 1 ? undefined : "unsupported_transfer_coding";
}

/** RFC 9110 section 10.1.1: whether the sender waits to be asked for the body, which HTTP/1.0 never does. */
export function expectsContinue({ headers, httpVersion }: IncomingMessage): boolean {
  return httpVersion === "1.1" && /(?:^|\W)100-continue(?:$|\W)/i.test(headers.expect ?? "");
}

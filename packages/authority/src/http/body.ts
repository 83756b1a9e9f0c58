import { CountersignError } from "@countersign/protocol";
import type { HttpRequest } from "./message.ts";

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The body of a request as text, read no further than `limit` bytes.
 *
 * @throws {CountersignError} `payload_too_large`, `unsupported_media_type` for a Content-Encoding (a compressed body
 * is not inflated), `invalid_request` when it is not UTF-8.
 */
export async function readText(request: HttpRequest, limit: number): Promise<string> {
  if ((request.headers.get("content-encoding") ?? "identity") !== "identity") {
    throw new CountersignError("unsupported_media_type");
  }
  // A length that was announced spares reading so far.
  if (Number(request.headers.get("content-length") ?? 0) > limit) throw new CountersignError("payload_too_large");
  const bytes = await request.read(limit);
  try {
    return strictUtf8.decode(bytes);
  } catch {
    throw new CountersignError("invalid_request", { hint: "The body is not UTF-8" });
  }
}

import { CountersignError, type JsonValue, parseJson, TokenRefused } from "@countersign/protocol";
import type { HttpRequest } from "./message.ts";

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The body of a request as text, read no further than `limit` bytes.
 *
 * @throws {CountersignError} `payload_too_large`, `unsupported_media_type` for a Content-Encoding (a compressed body
 * is not inflated), `invalid_request` when it is not UTF-8.
 */
export async function readText(request: HttpRequest, limit: number): Promise<string> {
  const bytes = await readBytes(request, limit);
  try {
    return strictUtf8.decode(bytes);
  } catch {
    throw new CountersignError("invalid_request", { hint: "The body is not UTF-8" });
  }
}

/**
 * The body of a request as strict JSON: of two members of one name another reader may see the other one (RFC 8259
 * section 4), so they are refused.
 *
 * @throws {CountersignError} as `readText`, and `invalid_request` saying what is wrong with the JSON.
 */
export async function readJson(request: HttpRequest, limit: number): Promise<JsonValue> {
  const bytes = await readBytes(request, limit);
  try {
    return parseJson(bytes, { maxBytes: limit });
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error;
    throw new CountersignError("invalid_request", {
      hint: `The body is not JSON as it is read here: ${error.message}`,
    });
  }
}

async function readBytes(request: HttpRequest, limit: number): Promise<Uint8Array> {
  if ((request.headers.get("content-encoding") ?? "identity") !== "identity") {
    throw new CountersignError("unsupported_media_type");
  }
  // A length that was announced spares reading so far.
  if (Number(request.headers.get("content-length") ?? 0) > limit) throw new CountersignError("payload_too_large");
  return request.read(limit);
}

import { CountersignError } from "@countersign/protocol";

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The body of a request as text, read no further than `limit` bytes.
 *
 * @throws {CountersignError} `payload_too_large`, `unsupported_media_type` for a Content-Encoding (a compressed body
 * is not inflated), `invalid_request` when it is not UTF-8.
 */
export async function readText(request: Request, limit: number): Promise<string> {
  if ((request.headers.get("content-encoding") ?? "identity") !== "identity") {
    throw new CountersignError("unsupported_media_type");
  }
  const bytes = await readBytes(request, limit);
  try {
    return strictUtf8.decode(bytes);
  } catch {
    throw new CountersignError("invalid_request", { hint: "The body is not UTF-8" });
  }
}

async function readBytes(request: Request, limit: number): Promise<Uint8Array> {
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > limit) throw new CountersignError("payload_too_large");
  if (declared !== null) return new Uint8Array(await request.arrayBuffer());
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.byteLength;
    if (length > limit) throw new CountersignError("payload_too_large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

import { CountersignError, REVOCATION_FEED_TYPE, sha256 } from "@countersign/protocol";
import { FEED_AGE_MS, type FeedPosition, RevocationFeed } from "../revocations/feed.ts";
import type { HttpRequest, HttpResponse } from "./message.ts";
import type { Call } from "./route.ts";
import { publicDocument } from "./well-known.ts";

const feeds = new WeakMap<object, RevocationFeed>();

/** `GET /.well-known/revocations`: what was revoked, signed; with `list` and `since`, what was revoked after that. */
export async function revocationFeed({ request, services }: Call): Promise<HttpResponse> {
  const feed = feeds.get(services.revocations) ?? new RevocationFeed();
  feeds.set(services.revocations, feed);
  const text = await feed.read(positionIn(request), services);
  const document = { bytes: new TextEncoder().encode(text), etag: `"${sha256(text)}"` };
  const response = publicDocument(request, document, FEED_AGE_MS / 1000);
  return { ...response, headers: { ...response.headers, "content-type": `application/${REVOCATION_FEED_TYPE}` } };
}

function positionIn({ url }: HttpRequest): FeedPosition {
  const query = new URLSearchParams(/\?([^#]*)/.exec(url)?.[1] ?? "");
  // An empty list has no name yet.
  const list = query.get("list") || undefined;
  const since = query.get("since") ?? "0";
  if (!/^\d{1,15}$/.test(since) || (list !== undefined && !/^[\w-]{1,64}$/.test(list))) {
    throw new CountersignError("invalid_request", { hint: "list and since are those of the feed before" });
  }
  return { list, position: Number(since) };
}

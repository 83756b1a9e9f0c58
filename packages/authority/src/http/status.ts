import { CountersignError } from "@countersign/protocol";
import type { Services } from "../services.ts";
import { keys } from "../store/keys.ts";
import type { HttpResponse } from "./message.ts";
import { json, text } from "./response.ts";
import type { Call } from "./route.ts";

/** `GET /health/live`: the process answers. */
export function live(): HttpResponse {
  return json({ status: "ok" });
}

/**
 * `GET /health/ready`: the store answers, its last write did not fail, and there is a key to sign with. Says no more than
 * that to strangers; the log says why not.
 */
export async function ready({ services }: Call): Promise<HttpResponse> {
  const detail = await unreadiness(services);
  tellUnready(detail, services);
  if (detail === undefined) return json({ status: "ready" });
  throw new CountersignError("temporarily_unavailable", { detail });
}

/** Anybody may ask, and as often as they like: the log is told when the reason changes, and else once in ten seconds. */
const TELL_EVERY_MS = 10_000;

function tellUnready(
  detail: string | undefined,
  { lifecycle, clock, audit }: Pick<Services, "lifecycle" | "clock" | "audit">,
): void {
  const now = clock.monotonic();
  const told = lifecycle.unready;
  if (detail !== undefined && detail === told?.detail && now - told.toldAt < TELL_EVERY_MS) return;
  lifecycle.unready = detail === undefined ? undefined : { detail, toldAt: now };
  if (detail !== undefined) audit.notice("authority.unready", { detail });
}

async function unreadiness({
  lifecycle,
  keys: ring,
  store,
}: Pick<Services, "lifecycle" | "keys" | "store">): Promise<string | undefined> {
  if (lifecycle.closing) return "shutting down";
  const readiness = ring.readiness();
  if (!readiness.ready) return readiness.because;
  await store.get(keys.ring());
  return store.failure?.();
}

/** `GET /status`, as users of the older service poll it. */
export function status(): HttpResponse {
  return json({ status: "ok" });
}

/** `GET /metrics` in the Prometheus text format: for this machine, and for others only when configured. */
export async function scrape({ peer, services }: Call): Promise<HttpResponse> {
  if (!peer.loopback && !services.config.server.open_metrics) throw new CountersignError("not_found");
  const exposition = await services.metrics.exposition();
  return text(exposition.text, exposition.contentType, "no-store");
}

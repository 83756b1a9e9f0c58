import { CountersignError } from "@countersign/protocol";
import { keys } from "../store/keys.ts";
import { json, text } from "./answer.ts";
import type { HttpAnswer } from "./message.ts";
import type { Call } from "./route.ts";

/** `GET /health/live`: the process answers. */
export function live(): HttpAnswer {
  return json({ status: "ok" });
}

/**
 * `GET /health/ready`: the store answers, its last write did not fail, and there is a key to sign with. Says no more than
 * that to strangers.
 */
export async function ready({ services }: Call): Promise<HttpAnswer> {
  if (services.lifecycle.closing) throw new CountersignError("temporarily_unavailable", { detail: "shutting down" });
  const readiness = services.keys.readiness();
  if (!readiness.ready) throw new CountersignError("temporarily_unavailable", { detail: readiness.because });
  await services.store.get(keys.ring());
  const failure = await services.store.writeFailure();
  if (failure !== undefined) throw new CountersignError("temporarily_unavailable", { detail: failure });
  return json({ status: "ready" });
}

/** `GET /status`, as users of the older service poll it. */
export function status(): HttpAnswer {
  return json({ status: "ok" });
}

/** `GET /metrics` in the Prometheus text format: for this machine, and for others only when configured. */
export async function scrape({ peer, services }: Call): Promise<HttpAnswer> {
  if (!peer.loopback && !services.config.server.open_metrics) throw new CountersignError("not_found");
  const exposition = await services.metrics.exposition();
  return text(exposition.text, exposition.contentType, "no-store");
}

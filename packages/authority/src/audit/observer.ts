import type { AuthorityEvent } from "./events.ts";

/** One HTTP request as the metrics count it: bounded labels only. */
export interface RequestMetric {
  /** The route's pattern, never the path: `/api/v1/user/:id`. */
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly durationMs: number;
  /** The grant at the token endpoint, when known. */
  readonly grant?: string;
}

/** Who listens to an authority: logs, metrics. Must not throw and must not wait. */
export interface Observer {
  event(event: AuthorityEvent): void;
  request(request: RequestMetric): void;
}

/** Listens to nothing. */
export const silentObserver: Observer = { event() {}, request() {} };

/** Passes everything on to several listeners. */
export function joinObservers(observers: readonly Observer[]): Observer {
  return {
    event: (event) => {
      for (const observer of observers) observer.event(event);
    },
    request: (request) => {
      for (const observer of observers) observer.request(request);
    },
  };
}

/** The metrics of an authority, as Prometheus scrapes them. */
export interface MetricsSource {
  exposition(): Promise<{ readonly contentType: string; readonly text: string }>;
}

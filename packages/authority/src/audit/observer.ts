import type { AuthorityEvent } from "./events.ts";

/** One HTTP request as the metrics count it: bounded labels only. */
export interface RequestMetric {
  /** The route's pattern, never the path: `/api/v1/user/:id`. */
  readonly route: string;
  /** The HTTP method, in capitals. */
  readonly method: string;
  /** The HTTP status of the response. */
  readonly status: number;
  /** How long the response took, in milliseconds; 0 where the request was refused unread. */
  readonly durationMs: number;
  /** The grant at the token endpoint, when known. */
  readonly grant?: string;
}

/** Who listens to an authority: logs, metrics. Must not throw and must not wait. */
export interface Observer {
  /** Hears an event, once it is durable where it is recorded. */
  event(event: AuthorityEvent): void;
  /** Hears of a request that was answered. */
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
  /** All metrics as they are now, in the text format and content type that Prometheus reads. */
  exposition(): Promise<{ readonly contentType: string; readonly text: string }>;
}

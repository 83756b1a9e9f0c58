import type { Route } from "./route.ts";

/** The routes of a path, one for each method, and the parameters in it. */
export interface Place {
  readonly routes: readonly Route[];
  readonly params: Readonly<Record<string, string>>;
}

interface Pattern {
  readonly segments: readonly string[];
  readonly routes: readonly Route[];
}

const noParams = {};

/**
 * Finds the routes of a path. A path that is written in the table goes before one that fits a pattern such as
 * `/api/v1/user/:id`; a parameter is one segment, decoded.
 */
export function createRouter(routes: readonly Route[]): (path: string) => Place | undefined {
  const byPath = Map.groupBy(routes, ({ path }) => path);
  const patterns = [...byPath]
    .filter(([path]) => path.includes("/:"))
    .map(([path, there]): Pattern => ({ segments: path.split("/"), routes: there }));
  for (const { segments } of patterns) byPath.delete(segments.join("/"));
  return (path) => {
    const literal = byPath.get(path);
    return literal === undefined ? firstFitting(patterns, path.split("/")) : { routes: literal, params: noParams };
  };
}

function firstFitting(patterns: readonly Pattern[], segments: readonly string[]): Place | undefined {
  for (const { segments: wanted, routes } of patterns) {
    const params = wanted.length === segments.length ? fit(wanted, segments) : undefined;
    if (params !== undefined) return { routes, params };
  }
  return undefined;
}

/** The parameters by which a path fits a pattern. An empty segment, or one that is not percent-encoded UTF-8, fits none. */
function fit(wanted: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [at, segment] of segments.entries()) {
    const want = wanted[at] ?? "";
    if (!want.startsWith(":")) {
      if (want !== segment) return undefined;
      continue;
    }
    const value = decode(segment);
    if (!value) return undefined;
    params[want.slice(1)] = value;
  }
  return params;
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

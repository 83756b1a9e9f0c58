import type { Route } from "./route.ts";

/** What a path leads to: the routes there, one for each method, and the parameters it holds. */
export interface Place {
  readonly routes: readonly Route[];
  readonly params: Readonly<Record<string, string>>;
}

interface Pattern {
  readonly shape: RegExp;
  readonly routes: Route[];
}

const noParams = {};

/**
 * Finds places by path. A path that is written in the table goes before one that fits a pattern such as
 * `/api/v1/user/:id`; a parameter is one segment, decoded.
 */
export function createRouter(routes: readonly Route[]): (path: string) => Place | undefined {
  const literal = new Map<string, Route[]>();
  const patterns = new Map<string, Pattern>();
  for (const route of routes) {
    if (route.path.includes(":")) patternAt(patterns, route.path).routes.push(route);
    else literal.set(route.path, [...(literal.get(route.path) ?? []), route]);
  }
  return (path) => {
    const known = literal.get(path);
    return known === undefined ? firstFitting(patterns, path) : { routes: known, params: noParams };
  };
}

function patternAt(patterns: Map<string, Pattern>, path: string): Pattern {
  const known = patterns.get(path);
  if (known !== undefined) return known;
  const shape = new RegExp(`^${path.replace(/:(\w+)/g, "(?<$1>[^/]+)")}$`);
  const pattern: Pattern = { shape, routes: [] };
  patterns.set(path, pattern);
  return pattern;
}

function firstFitting(patterns: ReadonlyMap<string, Pattern>, path: string): Place | undefined {
  for (const { shape, routes } of patterns.values()) {
    const found = shape.exec(path);
    if (found !== null) return place(routes, found.groups ?? {});
  }
  return undefined;
}

/** A segment that is not percent-encoded UTF-8 names nothing. */
function place(routes: readonly Route[], groups: Readonly<Record<string, string>>): Place | undefined {
  try {
    const params = Object.entries(groups).map(([name, text]) => [name, decodeURIComponent(text)] as const);
    return { routes, params: Object.fromEntries(params) };
  } catch {
    return undefined;
  }
}

import type { HttpResponse } from "./message.ts";
import { text } from "./response.ts";
import type { Call } from "./route.ts";
import { metadata } from "./well-known.ts";

/** The page loads and runs nothing, wherever it is shown. */
const pageHeaders = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

/** `GET /`: what this server is and where its documents are, as a page for browsers and as JSON for all others. */
export function home({ request, services }: Call): HttpResponse {
  const { issuer, token_endpoint, jwks_uri } = metadata(services);
  const about = {
    name: "Countersign",
    description: "An OAuth 2 token authority",
    issuer,
    metadata: "/.well-known/oauth-authorization-server",
    token_endpoint,
    jwks_uri,
    openapi: "/openapi.json",
    health: "/health/ready",
  };
  const isPage = wantsPage(request.headers.get("accept"));
  const response = isPage
    ? text(page(about), "text/html; charset=utf-8", "no-store")
    : text(JSON.stringify(about), "application/json", "no-store");
  return { ...response, headers: { ...response.headers, ...pageHeaders, vary: "Accept" } };
}

/** RFC 9110 section 12.5.1: a browser names text/html; what names it with the weight 0 does not want it. */
function wantsPage(accept: string | null): boolean {
  const ranges = (accept ?? "").toLowerCase().split(",");
  return ranges.some((range) => /^\s*text\/html\s*(?:;|$)/.test(range) && !/;\s*q=0(?:\.0*)?\s*(?:;|$)/.test(range));
}

function page({ name, description, ...facts }: Readonly<Record<string, string>>): string {
  const rows = Object.entries(facts).map(([term, value]) => `<dt>${term}</dt><dd>${linked(value)}</dd>`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${name}</title></head>
<body><h1>${name}</h1><p>${description}. There is nothing to log in to here: programs ask it for tokens.</p>
<dl>${rows.join("\n")}</dl></body></html>
`;
}

function linked(value: string): string {
  const shown = value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  return `<a href="${shown}">${shown}</a>`;
}

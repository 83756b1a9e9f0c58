import { isDotSegment } from "../values/id.ts";

/** The URL of a request, or why it has none. */
export type Target = { readonly url: string } | { readonly refused: "invalid_request" | "not_found" };

const PLAIN_PATH = /^(?:\/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+$/;
const SEGMENT = /^(?:[A-Za-z0-9_~!$&'()*+,=:@.-]|%[0-9A-Fa-f]{2})+$/;
/** Escapes of letters and digits, which only disguise a path (RFC 3986 section 2.3). Not `~`, which many clients escape. */
const NEEDLESS_ESCAPE = /%(?:3[0-9]|[46][1-9A-F]|[57][0-9A])/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
const CONTROL = /[\u0000-\u001f\u007f]/;
const QUERY = /^\?[!-"$-~]*$/;
const ABSOLUTE_FORM = /^https?:\/\/([^/?#]*)(.*)$/i;
const HOST_SHAPE = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/** Stands for the host of an HTTP/1.0 request that names none (RFC 9110 section 7.2); nothing can be reached by it. */
const NO_HOST = "host.invalid";

/**
 * The URL of a request from its request line and Host header (RFC 9112 section 3.2). One resource has one spelling
 * here: dot segments, empty segments, parameters and escaped letters are not found, so no guard sees another path
 * than the router does.
 */
export function resolveTarget(scheme: "http" | "https", target: string, host: string | undefined): Target {
  if (host !== undefined && !HOST_SHAPE.test(host)) return { refused: "invalid_request" };
  if (!target.startsWith("/")) return resolveAbsolute(scheme, target, host);
  return isCanonical(target) ? { url: `${scheme}://${host ?? NO_HOST}${target}` } : { refused: "not_found" };
}

/** RFC 9112 section 3.2.2: clients send the absolute form to proxies, and then Host repeats its authority. */
function resolveAbsolute(scheme: "http" | "https", target: string, host: string | undefined): Target {
  const [, authority, rest = ""] = ABSOLUTE_FORM.exec(target) ?? [];
  if (authority === undefined || authority !== host) return { refused: "invalid_request" };
  return resolveTarget(scheme, rest.startsWith("/") ? rest : `/${rest}`, host);
}

function isCanonical(target: string): boolean {
  if (PLAIN_PATH.test(target)) return true;
  const mark = target.indexOf("?");
  if (mark >= 0 && !QUERY.test(target.slice(mark))) return false;
  const path = mark < 0 ? target : target.slice(0, mark);
  return path === "/" || path.slice(1).split("/").every(isCanonicalSegment);
}

function isCanonicalSegment(text: string): boolean {
  if (!SEGMENT.test(text) || isDotSegment(text)) return false;
  if (!text.includes("%")) return true;
  if (NEEDLESS_ESCAPE.test(text)) return false;
  try {
    const decoded = decodeURIComponent(text);
    return !CONTROL.test(decoded) && !isDotSegment(decoded);
  } catch {
    return false;
  }
}

import { CountersignError } from "@countersign/protocol";

/** Parameters of a form: each once, or listed when the standards let it repeat. Empty ones are left out. */
export interface Form {
  readonly single: ReadonlyMap<string, string>;
  /** `resource` (RFC 8707 section 2) and `audience` (RFC 8693 section 2.1), in the order given. */
  readonly targets: readonly string[];
}

const FORM_TYPE = /^application\/x-www-form-urlencoded[ \t]*(?:;|$)/i;

const CHARSET = /;[ \t]*charset[ \t]*=[ \t]*"?([^\s";]*)"?[ \t]*(?=;|$)/gi;

/** Charsets in which the body of a form reads as UTF-8. */
const utf8Names: ReadonlySet<string> = new Set(["utf-8", "utf8", "us-ascii"]);

const repeatable: ReadonlySet<string> = new Set(["resource", "audience"]);

const MAX_PARAMETERS = 64;

/** Control characters have no place in any parameter of RFC 6749 appendix A; a tab may stand in a password. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/** A form in which nothing is encoded, as most are: looking once at the whole is cheaper than decoding each part. */
const VERBATIM = /^[\w.~=&-]*$/;

/**
 * Of the parameters of the type only a charset says anything about a form; others are passed over (RFC 9110 section
 * 8.3.1).
 *
 * @throws {CountersignError} `unsupported_media_type` unless the body is declared to be a form in UTF-8.
 */
export function requireFormType(contentType: string | null): void {
  const isForm = contentType !== null && FORM_TYPE.test(contentType);
  const names = [...(contentType ?? "").matchAll(CHARSET)].map(([, name = ""]) => name.toLowerCase());
  if (isForm && names.every((name) => utf8Names.has(name))) return;
  const hint = "Send the parameters as application/x-www-form-urlencoded in UTF-8";
  throw new CountersignError("unsupported_media_type", { hint });
}

/**
 * Reads an `application/x-www-form-urlencoded` body (RFC 6749 appendix B). A parameter that is sent without a value is
 * treated as omitted, and none may be sent twice (section 3.2). Names are taken literally: `a[]` is just a name.
 *
 * @throws {CountersignError} `invalid_request` for bad percent-encoding, bad UTF-8, control characters, duplicates or
 * too many parameters.
 */
export function parseForm(body: string): Form {
  const single = new Map<string, string>();
  const targets: string[] = [];
  const pairs = body.split("&", MAX_PARAMETERS + 1);
  if (pairs.length > MAX_PARAMETERS) throw malformed("The form has too many parameters");
  const read = VERBATIM.test(body) ? asItIs : decode;
  for (const pair of pairs) {
    const equals = pair.indexOf("=");
    const name = read(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? "" : read(pair.slice(equals + 1));
    if (value === "") continue;
    if (repeatable.has(name)) targets.push(value);
    else if (single.has(name)) throw malformed("A parameter is given more than once");
    else single.set(name, value);
  }
  return { single, targets };
}

function asItIs(text: string): string {
  return text;
}

/** One component of a form: plus is a space, the rest percent-encoded UTF-8. */
export function decode(text: string): string {
  try {
    const decoded = decodeURIComponent(text.replaceAll("+", " "));
    if (!CONTROL.test(decoded)) return decoded;
  } catch {
    // decodeURIComponent refuses bad escapes and bad UTF-8, overlong forms and surrogates included
  }
  throw malformed("A parameter is not percent-encoded UTF-8 without control characters");
}

function malformed(hint: string): CountersignError {
  return new CountersignError("invalid_request", { hint });
}

import type { JsonObject, JsonValue } from "./json-value.ts";
import { TokenRefused } from "./refusal.ts";

/** Bounds on what is parsed. */
export interface JsonLimits {
  /** @default 65536 */
  readonly maxBytes?: number;
  /** How many objects and arrays may be open at once. @default 32 */
  readonly maxDepth?: number;
}

type MutableObject = { [name: string]: JsonValue };
type Frame = { readonly object: MutableObject; name: string } | { readonly array: JsonValue[] };

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const literals: readonly (readonly [string, JsonValue])[] = [
  ["true", true],
  ["false", false],
  ["null", null],
];

/**
 * Parses UTF-8 bytes as JSON (RFC 8259), and refuses what parsers disagree about: duplicate members, invalid UTF-8, a
 * byte order mark, lone surrogates, numbers beyond a double's range. Nesting costs no stack. A member called
 * `__proto__` is dropped.
 *
 * @throws {TokenRefused} with one of the `json_…` reasons.
 * @example
 * ```ts
 * import { parseJson } from "@countersign/protocol";
 * parseJson(new TextEncoder().encode('{"sub":"alice"}'));
 * ```
 */
export function parseJson(bytes: Uint8Array, limits: JsonLimits = {}): JsonValue {
  const { maxBytes = 65_536, maxDepth = 32 } = limits;
  // A limit that is no number refuses all.
  if (!(bytes.length <= maxBytes)) throw new TokenRefused("json_too_large");
  return new JsonReader(decode(bytes), maxDepth).document();
}

/** Whether a parsed value is an object. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function decode(bytes: Uint8Array): string {
  try {
    const text = decoder.decode(bytes);
    if (!text.startsWith("\uFEFF")) return text;
  } catch (cause) {
    throw new TokenRefused("json_not_utf8", { cause });
  }
  throw new TokenRefused("json_not_utf8");
}

class JsonReader {
  readonly #text: string;
  readonly #maxDepth: number;
  readonly #open: Frame[] = [];
  #at = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  document(): JsonValue {
    this.#skipSpace();
    for (;;) {
      const started = this.#startValue();
      if (started === undefined) continue;
      const finished = this.#finishValue(started);
      if (finished === undefined) continue;
      if (this.#at !== this.#text.length) throw new TokenRefused("json_malformed");
      return finished;
    }
  }

  /** A scalar or empty container, or `undefined` after opening one whose first value comes next. */
  #startValue(): JsonValue | undefined {
    const character = this.#text[this.#at];
    if (character === "{") return this.#openObject();
    if (character === "[") return this.#openArray();
    if (character === '"') return this.#string();
    for (const [word, value] of literals) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    return this.#number();
  }

  /** Puts a value where it belongs and closes what ends after it: the whole document, or `undefined` if more comes. */
  #finishValue(first: JsonValue): JsonValue | undefined {
    let value = first;
    for (;;) {
      this.#skipSpace();
      const frame = this.#open.at(-1);
      if (frame === undefined) return value;
      this.#attach(frame, value);
      if (this.#take(",")) {
        this.#skipSpace();
        if ("object" in frame) frame.name = this.#name(frame.object);
        return undefined;
      }
      if (!this.#take("object" in frame ? "}" : "]")) throw new TokenRefused("json_malformed");
      this.#open.pop();
      value = "object" in frame ? withoutPrototypeMember(frame.object) : frame.array;
    }
  }

  #attach(frame: Frame, value: JsonValue): void {
    if ("object" in frame) frame.object[frame.name] = value;
    else frame.array.push(value);
  }

  #openObject(): JsonValue | undefined {
    this.#enter();
    const object: MutableObject = Object.create(null);
    if (this.#take("}")) return object;
    this.#open.push({ object, name: this.#name(object) });
    return undefined;
  }

  #openArray(): JsonValue | undefined {
    this.#enter();
    const array: JsonValue[] = [];
    if (this.#take("]")) return array;
    this.#open.push({ array });
    return undefined;
  }

  #enter(): void {
    if (!(this.#open.length < this.#maxDepth)) throw new TokenRefused("json_too_deep");
    this.#at += 1;
    this.#skipSpace();
  }

  #name(object: MutableObject): string {
    const name = this.#string();
    if (name in object) throw new TokenRefused("json_duplicate_member");
    this.#skipSpace();
    if (!this.#take(":")) throw new TokenRefused("json_malformed");
    this.#skipSpace();
    return name;
  }

  #string(): string {
    if (!this.#take('"')) throw new TokenRefused("json_malformed");
    const start = this.#at;
    let escaped = false;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x22) break;
      // charCodeAt gives NaN past the end.
      if (!(code >= 0x20)) throw new TokenRefused("json_malformed");
      escaped ||= code === 0x5c;
      this.#at += code === 0x5c ? 2 : 1;
    }
    const end = this.#at++;
    return escaped ? textOf(this.#text.slice(start - 1, end + 1)) : this.#text.slice(start, end);
  }

  #number(): number {
    NUMBER.lastIndex = this.#at;
    const digits = NUMBER.exec(this.#text)?.[0];
    const value = Number(digits);
    if (digits === undefined || !Number.isFinite(value)) throw new TokenRefused("json_malformed");
    this.#at += digits.length;
    return value;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at += 1;
    }
  }
}

function textOf(literal: string): string {
  const text = parseLiteral(literal);
  if (!text.isWellFormed()) throw new TokenRefused("json_lone_surrogate");
  return text;
}

function parseLiteral(literal: string): string {
  try {
    return String(JSON.parse(literal));
  } catch {
    // The parser's own message quotes its input, so it is no cause to keep.
    throw new TokenRefused("json_malformed");
  }
}

/** An own member `__proto__` does nothing here, but would set a prototype where somebody copies by assignment. */
function withoutPrototypeMember(object: MutableObject): JsonObject {
  Reflect.deleteProperty(object, "__proto__");
  return object;
}

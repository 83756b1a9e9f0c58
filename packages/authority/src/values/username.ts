import { CountersignError } from "@countersign/protocol";
import { z } from "zod";
import { isDotSegment } from "./id.ts";

/** The size of a username in bytes of its normal form. */
const MAX_BYTES = 255;
/** Longer input is refused before it is looked at: normalisation can make text many times longer. */
const MAX_INPUT = 1024;
const MAX_ROUNDS = 4;

/** The size of a username as it is sent. What else it may be is for {@link normaliseUsername} to say. */
export const usernameSchema = z.string().min(1).max(256);

/**
 * IdentifierClass (RFC 8264 section 4.2): letters, marks, decimal digits, printable ASCII, and the code points that
 * RFC 5892 section 2.6 adds. Whatever is not listed is refused: white space, controls, symbols, unassigned code points.
 */
const ALLOWED = /^[\p{L}\p{Mn}\p{Mc}\p{Nd}!-~\u06FD\u06FE\u0F0B\u3007]+$/u;
/** What RFC 5892 section 2.6 takes away, what cannot be seen (RFC 8264 section 9.13), and old Hangul jamo (9.9). */
const WITHDRAWN =
  /[\p{Default_Ignorable_Code_Point}\u0640\u07FA\u302E\u302F\u3031-\u3035\u303B\u1100-\u11FF\uA960-\uA97F\uD7B0-\uD7FF]/u;
const STARTS_WITH_MARK = /^\p{M}/u;

/** Digits that look alike: a name uses one kind (RFC 5892 appendices A.8 and A.9). */
const digitKinds = [/[0-9]/, /[\u0660-\u0669]/, /[\u06F0-\u06F9]/];

interface Writing {
  readonly scripts: readonly string[];
  /** Written from right to left. */
  readonly rightToLeft?: boolean;
}

/**
 * The scripts in modern use (UAX #31 table 5) and the combinations that people write in (UTS #39 section 5.2, highly
 * restrictive). A name that fits no row mixes scripts, and could pass for another name.
 */
const writings: readonly Writing[] = [
  { scripts: ["Latin", "Han", "Hiragana", "Katakana"] },
  { scripts: ["Latin", "Han", "Bopomofo"] },
  { scripts: ["Latin", "Han", "Hangul"] },
  { scripts: ["Arabic"], rightToLeft: true },
  { scripts: ["Hebrew"], rightToLeft: true },
  { scripts: ["Thaana"], rightToLeft: true },
  ...[
    ["Armenian", "Bengali", "Cyrillic", "Devanagari", "Ethiopic", "Georgian", "Greek", "Gujarati", "Gurmukhi"],
    ["Kannada", "Khmer", "Lao", "Malayalam", "Myanmar", "Oriya", "Sinhala", "Tamil", "Telugu", "Thai", "Tibetan"],
  ]
    .flat()
    .map((script) => ({ scripts: [script] })),
];

const patterns = writings.map(({ scripts, rightToLeft }) => ({
  rightToLeft,
  fits: new RegExp(`^[${[...scripts, "Common", "Inherited"].map((name) => `\\p{scx=${name}}`).join("")}]+$`, "u"),
}));

/** RFC 5893 section 2, rules 1 and 3: such a name starts with a letter and ends with a letter, digit or mark. */
const RIGHT_TO_LEFT_SHAPE = /^\p{L}(?:.*[\p{L}\p{Nd}\p{M}])?$/u;

/**
 * The one form of a username under which it is unique: UsernameCaseMapped of RFC 8265 section 3.3 without spaces, on
 * compatibility-normalised and case-folded text, so that look-alike spellings (full width, ligatures, Kelvin sign,
 * dotless i) are one name and names of mixed scripts or directions are none. Applying it twice changes nothing.
 *
 * Whole names of one script that look like another's ("сосо" in Cyrillic) stay different names.
 *
 * @throws {CountersignError} `invalid_username` when the text cannot be a username.
 * @example
 * ```ts
 * import { testAuthority } from "@countersign/authority/testing";
 * const { users } = (await testAuthority()).services;
 * users.normalise("ＡＤＭＩＮ"); // "admin"
 * ```
 */
export function normaliseUsername(text: string): string {
  const username = text.length <= MAX_INPUT && text.isWellFormed() ? fold(text) : undefined;
  if (username === undefined || !isUsername(username)) throw new CountersignError("invalid_username");
  return username;
}

function isUsername(text: string): boolean {
  if (Buffer.byteLength(text) > MAX_BYTES || !ALLOWED.test(text)) return false;
  if (isDotSegment(text) || WITHDRAWN.test(text) || STARTS_WITH_MARK.test(text)) return false;
  if (digitKinds.filter((kind) => kind.test(text)).length > 1) return false;
  const writing = patterns.find(({ fits }) => fits.test(text));
  return writing !== undefined && (!writing.rightToLeft || RIGHT_TO_LEFT_SHAPE.test(text));
}

/** Upper case first, because two letters that share a capital are one letter: ı and i, ſ and s, ς and σ. */
function fold(text: string): string | undefined {
  let folded = text;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next = folded.normalize("NFKC").toUpperCase().toLowerCase().normalize("NFKC").replaceAll("i\u0307", "i");
    if (next === folded) return folded;
    folded = next;
  }
  return undefined;
}

import { spelling } from "./property-names.ts";

/** A set of code points given by a JavaScript expression that matches exactly one of them. */
export type PropertyTest = RegExp;

// The definitions of UTS 18 annex C, as Rust's regex crate has them.
export const WORD: PropertyTest = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;
export const DIGIT: PropertyTest = /\p{Nd}/u;
export const SPACE: PropertyTest = /\p{White_Space}/u;
const ALPHABETIC: PropertyTest = /\p{Alphabetic}/u;
const ALPHANUMERIC: PropertyTest = /[\p{Alphabetic}\p{Nd}\p{Nl}\p{No}]/u;
const ANY: PropertyTest = /\p{Any}/u;
const ASCII: PropertyTest = /\p{ASCII}/u;

export function hasProperty(code: number, property: PropertyTest): boolean {
  return property.test(String.fromCodePoint(code));
}

export function isAsciiWord(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95 || (code >= 97 && code <= 122);
}

export function isWord(code: number): boolean {
  return code < 128 ? isAsciiWord(code) : hasProperty(code, WORD);
}

export function isSpace(character: string): boolean {
  return SPACE.test(character);
}

/** Whether a character may stand in the name of a group, or begin it. */
export function isGroupNameCharacter(character: string, first: boolean): boolean {
  if (character === "_") return true;
  return first ? ALPHABETIC.test(character) : /[.[\]]/.test(character) || ALPHANUMERIC.test(character);
}

/** UAX 44 rule LM3, with the one exception Rust makes. */
function looseName(name: string): string {
  const bare = name.replace(/^is/i, "");
  const loose = bare.replace(/[ _-]|[^\0-\x7f]/g, "").toLowerCase();
  return loose === "c" && bare !== name ? "isc" : loose;
}

const compiled = new Map<string, PropertyTest>();

/** The property that JavaScript knows by this name behind `prefix`. */
function compileProperty(prefix: string, loose: string): PropertyTest | undefined {
  const key = prefix + loose;
  const known = compiled.get(key);
  const name = spelling(loose);
  if (known !== undefined || name === undefined) return known;
  try {
    const test = new RegExp(`\\p{${prefix}${name}}`, "u");
    compiled.set(key, test);
    return test;
  } catch {
    // No name of a property, or one younger than the Unicode version of this runtime.
    return undefined;
  }
}

const WIDE: Readonly<Record<string, PropertyTest>> = { any: ANY, ascii: ASCII, assigned: /\p{Assigned}/u };

function category(loose: string): PropertyTest | undefined {
  return Object.hasOwn(WIDE, loose) ? WIDE[loose] : compileProperty("General_Category=", loose);
}

const script = (loose: string): PropertyTest | undefined => compileProperty("Script=", loose);
const scriptExtensions = (loose: string): PropertyTest | undefined => compileProperty("Script_Extensions=", loose);

/** The property that `\p{name}` means: a binary property, a general category or a script. */
export function findProperty(name: string): PropertyTest | undefined {
  const loose = looseName(name);
  // Without a prefix JavaScript too takes general categories beside binary properties.
  return (Object.hasOwn(WIDE, loose) ? WIDE[loose] : compileProperty("", loose)) ?? script(loose);
}

const BY_VALUE: ReadonlyMap<string, (loose: string) => PropertyTest | undefined> = new Map([
  ["gc", category],
  ["generalcategory", category],
  ["sc", script],
  ["script", script],
  ["scx", scriptExtensions],
  ["scriptextensions", scriptExtensions],
]);

/** The property that `\p{name=value}` means. */
export function findPropertyValue(name: string, value: string): PropertyTest | undefined {
  return BY_VALUE.get(looseName(name))?.(looseName(value));
}

/**
 * The classes of simple case folding (CaseFolding.txt, status C and S) that JavaScript's two case mappings do not reach
 * from each of their members, as lists of code points.
 */
const IRREGULAR_CASES =
  "4b,6b,212a 53,73,17f c5,e5,212b df,1e9e 1c4,1c5,1c6 1c7,1c8,1c9 1ca,1cb,1cc 1f1,1f2,1f3 345,399,3b9,1fbe 390,1fd3 " +
  "392,3b2,3d0 395,3b5,3f5 398,3b8,3d1,3f4 39a,3ba,3f0 b5,39c,3bc 3a0,3c0,3d6 3a1,3c1,3f1 3a3,3c2,3c3 3a6,3c6,3d5 " +
  "3a9,3c9,2126 3b0,1fe3 412,432,1c80 414,434,1c81 41e,43e,1c82 421,441,1c83 422,442,1c84,1c85 42a,44a,1c86 " +
  "462,463,1c87 1e60,1e61,1e9b 1fb3,1fbc 1fc3,1fcc 1ff3,1ffc 1c88,a64a,a64b fb05,fb06 131";

let irregular: Map<number, readonly number[]> | undefined;

function irregularCases(): Map<number, readonly number[]> {
  if (irregular !== undefined) return irregular;
  irregular = new Map();
  for (const group of IRREGULAR_CASES.split(" ")) {
    const members = group.split(",").map((hex) => Number.parseInt(hex, 16));
    for (const member of members) irregular.set(member, members);
  }
  // Greek vowels with iota: small 1F80 to 1FA7, capital eight above.
  for (const row of [0x1f80, 0x1f90, 0x1fa0]) {
    for (let i = 0; i < 8; i++) {
      const members = [row + i, row + i + 8];
      for (const member of members) irregular.set(member, members);
    }
  }
  return irregular;
}

function singleCodePoint(text: string): number | undefined {
  const code = text.codePointAt(0);
  return code !== undefined && text.length === (code > 0xffff ? 2 : 1) ? code : undefined;
}

/** All code points equal to `code` under Unicode simple case folding, `code` among them. */
export function caseVariants(code: number): readonly number[] {
  const known = irregularCases().get(code);
  if (known !== undefined) return known;
  const character = String.fromCodePoint(code);
  const upper = singleCodePoint(character.toUpperCase()) ?? code;
  const lower = singleCodePoint(character.toLowerCase()) ?? code;
  if (upper === code && lower === code) return [code];
  return [...new Set([code, upper, lower])];
}

/** The same for ASCII letters alone, as without the flag `u`. */
export function asciiCaseVariants(code: number): readonly number[] {
  const letter = (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
  return letter ? [code, code ^ 32] : [code];
}

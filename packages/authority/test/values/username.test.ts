import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CountersignError } from "@countersign/protocol";
import fc from "fast-check";
import { normaliseUsername } from "../../src/values/username.ts";

/** What one normal form stands for. */
const sameNames: readonly { readonly id: string; readonly text: string; readonly normal: string }[] = [
  { id: "capitals", text: "ADMIN", normal: "admin" },
  { id: "full width", text: "ａｄｍｉｎ", normal: "admin" },
  { id: "full-width capitals", text: "ＡＤＭＩＮ", normal: "admin" },
  { id: "Kelvin sign", text: "\u212Aelvin", normal: "kelvin" },
  { id: "Angstrom sign", text: "\u212Bngstrom", normal: "ångstrom" },
  { id: "dotless i", text: "adm\u0131n", normal: "admin" },
  { id: "capital I with dot", text: "ADM\u0130N", normal: "admin" },
  { id: "i with a second dot", text: "admi\u0307n", normal: "admin" },
  { id: "long s", text: "\u017Ferver", normal: "server" },
  { id: "ligature", text: "o\uFB03ce", normal: "office" },
  { id: "sharp s", text: "stra\u00DFe", normal: "strasse" },
  { id: "capital sharp s", text: "STRA\u1E9EE", normal: "strasse" },
  { id: "decomposed", text: "jose\u0301", normal: "josé" },
  { id: "composed", text: "JOS\u00C9", normal: "josé" },
  { id: "final sigma", text: "ΟΔΟΣ", normal: "οδος" },
  { id: "sigma inside", text: "οδοσ", normal: "οδος" },
  { id: "half-width katakana", text: "ｶﾀｶﾅ", normal: "カタカナ" },
  { id: "circled digit", text: "user①", normal: "user1" },
  { id: "superscript", text: "user²", normal: "user2" },
  { id: "mathematical letters", text: "𝐚𝐝𝐦𝐢𝐧", normal: "admin" },
  { id: "small form of at", text: "a﹫b.example", normal: "a@b.example" },
];

const goodNames = [
  "a",
  "alice@example.com",
  "first.last-name_2+tag",
  "x#U#admin",
  "U#",
  "%2e%2e",
  "o'brien",
  '"quoted"',
  "иван",
  "Ελένη",
  "אבגד",
  "مستخدم",
  "山田太郎",
  "山田たろう",
  "김철수",
  "देवनागरी",
  "สมชาย",
  "x".repeat(255),
];

const badNames: readonly { readonly id: string; readonly text: string }[] = [
  { id: "empty", text: "" },
  { id: "trailing space", text: "admin " },
  { id: "leading space", text: " admin" },
  { id: "inner space", text: "ad min" },
  { id: "no-break space", text: "ad\u00A0min" },
  { id: "ideographic space", text: "ad\u3000min" },
  { id: "tab", text: "ad\tmin" },
  { id: "newline", text: "admin\n" },
  { id: "NUL", text: "admin\0" },
  { id: "DEL", text: "admin\x7f" },
  { id: "C1 control", text: "admin\x85" },
  { id: "zero-width space", text: "ad\u200Bmin" },
  { id: "zero-width joiner", text: "ad\u200Dmin" },
  { id: "zero-width non-joiner", text: "ad\u200Cmin" },
  { id: "word joiner", text: "ad\u2060min" },
  { id: "soft hyphen", text: "ad\u00ADmin" },
  { id: "byte order mark", text: "\uFEFFadmin" },
  { id: "variation selector", text: "admin\uFE0F" },
  { id: "combining grapheme joiner", text: "ad\u034Fmin" },
  { id: "Hangul filler", text: "admin\u3164" },
  { id: "tag character", text: "admin\u{E0061}" },
  { id: "right-to-left override", text: "\u202Enimda" },
  { id: "right-to-left mark", text: "admin\u200F" },
  { id: "isolate", text: "\u2066admin\u2069" },
  { id: "Cyrillic a in Latin", text: "\u0430dmin" },
  { id: "Greek o in Latin", text: "r\u03BFot" },
  { id: "Cyrillic and Greek", text: "ивαν" },
  { id: "Latin and Hebrew", text: "adminא" },
  { id: "Latin and Arabic", text: "adminم" },
  { id: "right-to-left name that starts with a digit", text: "1אב" },
  { id: "right-to-left name that ends with a symbol", text: "אב-" },
  { id: "two kinds of Arabic digits", text: "م\u0661\u06F1" },
  { id: "Arabic and European digits", text: "م1\u0661" },
  { id: "leading combining mark", text: "\u0301admin" },
  { id: "tatweel", text: "م\u0640م" },
  { id: "old Hangul jamo", text: "\u1113" },
  { id: "emoji", text: "admin😀" },
  { id: "symbol", text: "admin€" },
  { id: "private use", text: "admin\uE000" },
  { id: "unassigned", text: "admin\u{E0FFF}" },
  { id: "noncharacter", text: "admin\uFFFE" },
  { id: "lone surrogate", text: "admin\uD800" },
  { id: "historic script", text: "𐌀𐌁" },
  { id: "256 bytes", text: "x".repeat(256) },
  { id: "256 bytes in 128 characters", text: "é".repeat(128) },
  { id: "10 KB", text: "x".repeat(10_240) },
  { id: "a dot segment, which no URL can name", text: "." },
  { id: "two dots", text: ".." },
  { id: "a dot of full width", text: "\uFF0E" },
  { id: "a two dot leader", text: "\u2025" },
  { id: "1 MB", text: "x".repeat(1_048_576) },
  { id: "input that normalisation makes 18 times longer", text: "\uFDFA".repeat(1000) },
];

describe("normaliseUsername", () => {
  for (const { id, text, normal } of sameNames) {
    it(`D1 gives one form to ${id}`, () => assert.equal(normaliseUsername(text), normal));
  }

  for (const text of goodNames) {
    it(`D1 takes ${text.slice(0, 30)}`, () => assert.equal(normaliseUsername(text), text.toLowerCase()));
  }

  for (const { id, text } of badNames) {
    it(`D1 refuses ${id}`, () => assert.throws(() => normaliseUsername(text), { code: "invalid_username" }));
  }

  it("changes nothing when applied twice, and throws nothing but its refusal", () => {
    const letters = fc.constantFrom(..."aZiIıİßſKςΣéﬁﾊＡ①\u0307\u0301\u0345иא٣カ-_.");
    const texts = fc.oneof(
      fc.string({ unit: letters }),
      fc.string({ unit: "grapheme" }),
      fc.string({ unit: "binary" }),
    );
    let accepted = 0;
    fc.assert(
      fc.property(texts, (text) => {
        const normal = tryNormalise(text);
        if (normal === undefined) return;
        accepted += 1;
        assert.equal(normaliseUsername(normal), normal);
        assert.equal(normaliseUsername(text.normalize("NFD")), normal);
        assert.equal(normaliseUsername(text.normalize("NFC").toUpperCase()), normal);
      }),
      { numRuns: 5000, seed: 1 },
    );
    assert.ok(accepted > 500, `only ${accepted} names were accepted`);
  });
});

function tryNormalise(text: string): string | undefined {
  try {
    return normaliseUsername(text);
  } catch (error) {
    assert.ok(error instanceof CountersignError && error.code === "invalid_username", String(error));
    return undefined;
  }
}

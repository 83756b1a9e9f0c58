/** Keys that no engine can hold, and why. */
export const impossibleKeys = [
  { id: "an empty key", text: "", expect: /empty key/, error: RangeError },
  { id: "a key of 1,025 bytes", text: "k".repeat(1025), expect: /1024 bytes/, error: RangeError },
  { id: "a key of 1,026 bytes in 342 characters", text: "｡".repeat(342), expect: /1024 bytes/, error: RangeError },
  { id: "a key with a lone surrogate", text: "\ud800", expect: /surrogate/, error: TypeError },
];

/** Texts that some engine, or whoever builds its queries, could take for something else. */
export const hostileTexts = [
  { id: "hash signs of the schema", text: "x#U#admin" },
  { id: "a bare prefix", text: "U#" },
  { id: "percent signs", text: "%23%00%%25" },
  { id: "NUL", text: "a\u0000b" },
  { id: "NUL alone", text: "\u0000" },
  { id: "a quote that ends a statement", text: "'; DROP TABLE item; --" },
  { id: "double quotes and backslashes", text: '"\\" OR 1=1 \\' },
  { id: "wildcards", text: "%_*?[a-z]" },
  { id: "expression names of DynamoDB", text: "#a = :v AND attribute_exists(pk)" },
  { id: "right-to-left and zero width", text: "\u202eadmin\u200b" },
  { id: "decomposed, beside composed", text: "e\u0301é" },
  { id: "beyond the basic plane", text: "👩‍👩‍👧‍👦𝄞" },
  { id: "line ends and tabs", text: "a\r\nb\tc" },
  { id: "__proto__", text: "__proto__" },
];

/** Each pattern with texts that it matches, and texts that it does not. */
export const VERDICTS: readonly { pattern: string; yes: readonly string[]; no: readonly string[] }[] = [
  { pattern: "", yes: ["", "a"], no: [] },
  { pattern: "b", yes: ["abc"], no: ["ac", ""] },
  { pattern: "^b", yes: ["bc"], no: ["ab"] },
  { pattern: "b$", yes: ["ab"], no: ["ba", "b\n"] },
  { pattern: "^b$", yes: ["b"], no: ["ab", "ba", "a\nb\nc"] },
  { pattern: "^/api/v[0-9]+/[a-z]+$", yes: ["/api/v12/users"], no: ["/api/v/users", "x/api/v1/a", "/api/v1/a/"] },
  { pattern: "^(?:GET|HEAD)$", yes: ["GET", "HEAD"], no: ["GETS", "HEA"] },
  { pattern: "^GET|HEAD$", yes: ["GETS", "AHEAD"], no: ["AGETS", "HEADS"] },
  { pattern: "^a{2,3}$", yes: ["aa", "aaa"], no: ["a", "aaaa"] },
  { pattern: "^(?:a{0}b?){2}$", yes: ["", "b", "bb"], no: ["bbb"] },
  { pattern: "^a{2,}?$", yes: ["aa", "aaaaa"], no: ["a"] },
  { pattern: "^(?:a*)*$", yes: ["", "aaa"], no: ["b"] },
  // Unicode: unlike JavaScript's, the Perl classes and boundaries know letters and digits of all scripts.
  { pattern: "^\\d$", yes: ["1", "\u0661"], no: ["a", "²"] },
  { pattern: "^\\w$", yes: ["é", "日", "_", "\u0301", "\u200d"], no: ["-", "😀"] },
  { pattern: "^\\s$", yes: ["\u00a0", "\u2028", "\u0085"], no: ["\ufeff", "\u200b"] },
  { pattern: "\\bé\\b", yes: ["é", "-é-"], no: ["aé", "éa"] },
  { pattern: "(?-u:\\b)é", yes: ["aé"], no: ["é", "-é"] },
  { pattern: "^.$", yes: ["\r", "\u2028", "😀"], no: ["\n", ""] },
  { pattern: "(?s)^.$", yes: ["\n"], no: ["\r\n"] },
  { pattern: "(?R)^.$", yes: ["a"], no: ["\r", "\n"] },
  { pattern: "(?m)^b$", yes: ["a\nb\nc"], no: ["a\r\nb\r\nc"] },
  { pattern: "(?mR)^b$", yes: ["a\r\nb\r\nc", "a\rb\rc"], no: ["ab"] },
  { pattern: "(?mR)\\r$\\n|\\r^\\n", yes: [], no: ["\r\n"] },
  { pattern: "(?m)\\Ab", yes: ["b"], no: ["a\nb"] },
  { pattern: "(?m)b\\z", yes: ["b"], no: ["b\n"] },
  { pattern: "\\<a", yes: ["-ab"], no: ["ba"] },
  { pattern: "a\\>", yes: ["ba-"], no: ["ab"] },
  { pattern: "\\b{start}a\\b{end}", yes: ["a"], no: ["ab"] },
  { pattern: "\\b{start-half}-", yes: ["-", "--"], no: ["a-"] },
  { pattern: "-\\b{end-half}", yes: ["-"], no: ["-a"] },
  // Case folding.
  { pattern: "(?i)^k$", yes: ["k", "K", "\u212a"], no: ["q"] },
  { pattern: "(?i)^[a-z]$", yes: ["Q", "ſ", "\u212a"], no: ["é"] },
  { pattern: "(?i-u)^[a-z]$", yes: ["Q"], no: ["ſ"] },
  { pattern: "(?i)^ß$", yes: ["ẞ"], no: ["SS"] },
  { pattern: "(?i)^σ$", yes: ["ς", "Σ"], no: [] },
  { pattern: "(?i)^[^x]$", yes: ["y"], no: ["x", "X"] },
  { pattern: "(?i)^\\p{Lu}$", yes: ["a", "A"], no: ["日"] },
  { pattern: "(?i)^\\P{Lu}$", yes: ["日"], no: ["a", "A"] },
  { pattern: "(?i)^i$", yes: ["I"], no: ["ı", "İ"] },
  { pattern: "a(?i)b|c", yes: ["aB", "C"], no: ["AB"] },
  { pattern: "(?:a(?i)b)c", yes: ["aBc"], no: ["aBC", "Abc"] },
  // Classes.
  { pattern: "^[]a]$", yes: ["]", "a"], no: ["["] },
  { pattern: "^[^]a]$", yes: ["b"], no: ["]", "a"] },
  { pattern: "^[a-]$", yes: ["-", "a"], no: ["b"] },
  { pattern: "^[--a]$", yes: ["-", "a"], no: ["b"] },
  { pattern: "^[a-z&&[^aeiou]]$", yes: ["b"], no: ["a", "B"] },
  { pattern: "^[0-9--4]$", yes: ["5"], no: ["4", "-"] },
  { pattern: "^[a-g~~b-h]$", yes: ["a", "h"], no: ["b", "g"] },
  { pattern: "^[\\w&&\\p{Greek}--α]$", yes: ["β"], no: ["α", "b"] },
  { pattern: "[a&&b]", yes: [], no: ["a", "b", ""] },
  { pattern: "^[[:alpha:][:digit:]_]$", yes: ["a", "1", "_"], no: ["é", ":"] },
  { pattern: "^[[:^alpha:]]$", yes: ["1", "é"], no: ["a"] },
  { pattern: "^[[:alph:]]$", yes: [":", "l"], no: ["z"] },
  { pattern: "(?x) ^ [a - c] b # the end\n $", yes: ["ab"], no: ["a b", "-b"] },
  // Properties, with loose names.
  { pattern: "^\\pL\\p{Nd}$", yes: ["a1"], no: ["11"] },
  { pattern: "^\\p{Greek}\\p{sc=grek}\\p{Script: GREEK}$", yes: ["αβγ"], no: ["abc"] },
  { pattern: "^\\p{is_Upper-case Letter }$", yes: ["A"], no: ["a"] },
  { pattern: "^\\p{gc!=Lu}$", yes: ["a"], no: ["A"] },
  { pattern: "^\\p{scx=Deva}$", yes: ["\u0964"], no: ["a"] },
  { pattern: "^\\p{sc}\\p{Sc}$", yes: ["€$"], no: ["aa"] },
  // Escapes.
  { pattern: "^\\x61\\x{62}\\u0063\\u{64}\\U00000065\\U{66}$", yes: ["abcdef"], no: ["abcde"] },
  { pattern: "^\\a\\f\\t\\n\\r\\v$", yes: ["\x07\x0c\t\n\r\x0b"], no: [""] },
  { pattern: "^\\.\\*\\ \\%\\/$", yes: [".* %/"], no: ["aa a/"] },
  // Groups.
  { pattern: "^(?P<first>a)(?<second.1>b)$", yes: ["ab"], no: ["a"] },
  { pattern: "(?U)^a+$", yes: ["aaa"], no: ["b"] },
  { pattern: "^\\b{1}a", yes: ["a"], no: ["-a"] },
  { pattern: "^*a", yes: ["ba"], no: ["b"] },
];

/** What Rust's `regex` refuses; JavaScript takes several of them. */
export const INVALID: readonly string[] = [
  ..."( ) [ [a [] [^] * + ? {2} a{ a{1 a{,2} a{2,1} a{} a{x} a{4294967296} (?) (?i (?i)* |* (*) (?z) (?ii) (?i-) (?-)".split(
    " ",
  ),
  ..."(?=a) (?!a) (?<=a) (?<!a) (a)\\1 \\8 \\e \\Q \\Z \\G \\é \\ (?P=n) (?P>n) (?P<n (?P<>a) (?P<1>a) (?<n>a)(?<n>b)".split(
    " ",
  ),
  ..."\\x6 \\xg0 \\x{} \\x{110000} \\u{d800} \\u12 \\U0000006 \\p{ \\p \\b{x} \\b{start".split(" "),
  ..."[z-a] [a-\\d] [\\d-a] [\\b] [a&& (?-u). (?-u)\\W (?-u)[^a] (?-u)\\pL (?-u)\\xFF (?-u)[é] (?-u)[[:^alpha:]] [[:alpha:]".split(
    " ",
  ),
];

/**
 * Properties that this engine does not know. Rust's `regex` has those of the first line, and refuses a pattern with one of
 * the second.
 */
export const UNSUPPORTED: readonly string[] = [
  ..."\\p{age=6.0} \\p{Age:3.2} \\p{gcb=Extend} \\p{wb=ALetter} \\p{sb=Lower} \\P{Other_Alphabetic} [^\\p{Hyphen}]".split(
    " ",
  ),
  ..."\\p{Nope} \\p{L=u} \\p{cs} \\p{sc=Nope} \\p{} \\pq".split(" "),
];

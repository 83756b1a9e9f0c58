import { wrongArgument } from "./arguments.ts";
import type { PublicKey } from "./crypto/keys.ts";
import { LruCache } from "./crypto/lru.ts";
import type { TermInput } from "./datalog/javascript-values.ts";
import type { AuthorizerContent } from "./datalog/model.ts";
import { fillParameters, type Parameters, parameterMap } from "./text/parameters.ts";
import { parseSource } from "./text/parser.ts";

/**
 * Datalog with values filled in: what the template tag {@link datalog} makes. It can be used wherever Datalog text can.
 */
export class Datalog {
  /** The statements. */
  readonly content: AuthorizerContent;

  constructor(content: AuthorizerContent) {
    this.content = content;
  }
}

/** Datalog source text, or the result of {@link datalog}. */
export type DatalogInput = string | Datalog;

/**
 * A template tag for Datalog. Values become terms, and public keys after `trusting`; they are put into the parsed tree
 * and never into the text, so no value can change the meaning of the statement around it.
 *
 * @throws {DatalogError} for text that does not parse, and for values that have no Datalog form.
 * @example
 * const user = 'alice"); admin("alice';
 * const block = datalog`user(${user}); check if time($t), $t < ${new Date(2_000_000_000_000)};`;
 */
export function datalog(strings: TemplateStringsArray, ...values: readonly (TermInput | PublicKey)[]): Datalog {
  if (!Array.isArray(strings)) throw wrongArgument("datalog", "a template: datalog`…`", strings);
  const parameters = new Map(values.map((value, i) => [`\0${i}`, value]));
  const source = strings.reduce((text, part, i) => `${text}{\0${i - 1}}${part}`);
  return new Datalog(fillParameters(parseSource(source), parameters));
}

/** Texts of at most this many characters are remembered with what was parsed: a service has a few and uses them often. */
const MAX_TEXT = 1024;
const parsed = new LruCache<AuthorizerContent>(64);

function parse(source: string): AuthorizerContent {
  const known = parsed.get(source);
  if (known !== undefined) return known;
  const content = parseSource(source);
  if (source.length <= MAX_TEXT) parsed.set(source, content);
  return content;
}

/** Parses what a builder is given, with the values of its parameters. */
export function resolveDatalog(input: DatalogInput, parameters: Parameters = {}): AuthorizerContent {
  if (typeof input !== "string" && !(input instanceof Datalog)) {
    throw wrongArgument("a block or an authorizer", "Datalog: text, or what datalog`…` makes", input);
  }
  const content = typeof input === "string" ? parse(input) : input.content;
  return fillParameters(content, parameterMap(parameters));
}

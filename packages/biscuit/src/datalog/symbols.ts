import { FormatError, LimitError } from "../errors.ts";
import { DEFAULT_LIMITS } from "../limits.ts";

/** The symbols every implementation knows, at the indices 0 to 27; the rest of 0 to 1023 is reserved. */
const DEFAULT_SYMBOLS =
  "read write resource operation right time role owner tenant namespace user team service admin email group member " +
  "ip_address client client_ip domain path version cluster node hostname nonce query";

const OFFSET = 1024;

/** Strings by their places, each once. */
class Index {
  readonly items: string[] = [];
  readonly #places = new Map<string, number>();

  constructor(items: readonly string[] = []) {
    for (const item of items) this.insert(item);
  }

  placeOf(item: string): number | undefined {
    return this.#places.get(item);
  }

  /** The place of an item, added if it is new. */
  insert(item: string): number {
    const known = this.#places.get(item);
    if (known !== undefined) return known;
    this.#places.set(item, this.items.length);
    return this.items.push(item) - 1;
  }
}

const DEFAULTS = new Index(DEFAULT_SYMBOLS.split(" "));

/** Counts the text that the blocks of one token mention; see {@link DEFAULT_LIMITS}, `maxText`. */
export class TextAllowance {
  readonly #limit: number;
  #used: number;

  constructor(limit: number, used = 0) {
    this.#limit = limit;
    this.#used = used;
  }

  /** What was mentioned so far, in UTF-16 units. */
  get used(): number {
    return this.#used;
  }

  /** Counts one mention. @throws {LimitError} code `text`. */
  mention(text: string): string {
    this.#used += text.length;
    if (this.#used <= this.#limit) return text;
    throw new LimitError("text", `Cannot read a token whose terms come to more text than the limit: ${this.#limit}`);
  }
}

/** The strings and public keys that blocks refer to by number. */
export class SymbolTable {
  readonly #symbols: Index;
  readonly #keys: Index;
  readonly #allowance: TextAllowance;

  constructor(
    symbols: readonly string[] = [],
    keys: readonly string[] = [],
    allowance = new TextAllowance(DEFAULT_LIMITS.maxText),
  ) {
    this.#symbols = new Index(symbols);
    this.#keys = new Index(keys);
    this.#allowance = allowance;
  }

  /** An empty table for a block of another's, which counts as part of the same token. */
  separate(): SymbolTable {
    return new SymbolTable([], [], this.#allowance);
  }

  /** The text that was read through this table and those separate from it, each mention counted, in UTF-16 units. */
  get textRead(): number {
    return this.#allowance.used;
  }

  /** The symbols beyond the default ones, in order. */
  get symbols(): readonly string[] {
    return this.#symbols.items;
  }

  /** The public keys, as key text, in order. */
  get keys(): readonly string[] {
    return this.#keys.items;
  }

  /** A table that can grow without changing this one. */
  clone(allowance?: TextAllowance): SymbolTable {
    return new SymbolTable(this.symbols, this.keys, allowance);
  }

  /**
   * Adds what a block declares.
   *
   * @throws {FormatError} `symbol_overlap` or `key_overlap` when something is there already.
   */
  extend(symbols: readonly string[], keys: readonly string[]): void {
    for (const symbol of symbols) {
      if (this.#placeOf(symbol) !== undefined) {
        throw new FormatError("symbol_overlap", "Cannot read a token that declares a symbol twice");
      }
      this.insert(symbol);
    }
    for (const key of keys) {
      if (this.#keys.placeOf(key) !== undefined) {
        throw new FormatError("key_overlap", "Cannot read a token that declares a public key twice");
      }
      this.insertKey(key);
    }
  }

  #placeOf(symbol: string): number | undefined {
    const place = this.#symbols.placeOf(symbol);
    return place === undefined ? DEFAULTS.placeOf(symbol) : OFFSET + place;
  }

  /** The index of a symbol, added if it is new. */
  insert(symbol: string): number {
    return DEFAULTS.placeOf(symbol) ?? OFFSET + this.#symbols.insert(symbol);
  }

  /** The index of a public key, added if it is new. */
  insertKey(key: string): number {
    return this.#keys.insert(key);
  }

  /** The index of a symbol that is in the table; those that are not sort last. */
  indexOf(symbol: string): number {
    return this.#placeOf(symbol) ?? Number.MAX_SAFE_INTEGER;
  }

  /** @throws {FormatError} `unknown_symbol`; {@link LimitError} `text`. */
  symbol(index: number | bigint): string {
    const at = Number(index);
    const symbol = at >= OFFSET ? this.symbols[at - OFFSET] : DEFAULTS.items[at];
    if (symbol === undefined) {
      throw new FormatError("unknown_symbol", `Cannot find the symbol with this index: ${index}`, at);
    }
    return this.#allowance.mention(symbol);
  }

  /** @throws {FormatError} `unknown_key`; {@link LimitError} `text`. */
  key(index: number | bigint): string {
    const key = this.keys[Number(index)];
    if (key === undefined) {
      throw new FormatError("unknown_key", `Cannot find the public key with this index: ${index}`);
    }
    return this.#allowance.mention(key);
  }

  /** The order of symbols by their index. */
  readonly byIndex = (left: string, right: string): number => this.indexOf(left) - this.indexOf(right);
}

import { FormatError } from "../errors.ts";

/** The symbols every implementation knows, at the indices 0 to 27; the rest of 0 to 1023 is reserved. */
const DEFAULT_SYMBOLS: readonly string[] = [
  "read",
  "write",
  "resource",
  "operation",
  "right",
  "time",
  "role",
  "owner",
  "tenant",
  "namespace",
  "user",
  "team",
  "service",
  "admin",
  "email",
  "group",
  "member",
  "ip_address",
  "client",
  "client_ip",
  "domain",
  "path",
  "version",
  "cluster",
  "node",
  "hostname",
  "nonce",
  "query",
];

const OFFSET = 1024;
const DEFAULT_INDEX: ReadonlyMap<string, number> = new Map(DEFAULT_SYMBOLS.map((symbol, index) => [symbol, index]));

/** The strings and public keys that blocks refer to by number. */
export class SymbolTable {
  readonly #symbols: string[] = [];
  readonly #index = new Map<string, number>();
  readonly #keys: string[] = [];
  readonly #keyIndex = new Map<string, number>();

  /** The symbols beyond the default ones, in order. */
  get symbols(): readonly string[] {
    return this.#symbols;
  }

  /** The public keys, as key text, in order. */
  get keys(): readonly string[] {
    return this.#keys;
  }

  /** A table that can grow without changing this one. */
  clone(): SymbolTable {
    const copy = new SymbolTable();
    for (const symbol of this.#symbols) copy.insert(symbol);
    for (const key of this.#keys) copy.insertKey(key);
    return copy;
  }

  /**
   * Adds what a block declares.
   *
   * @throws {FormatError} `symbol_overlap` or `key_overlap` when something is there already.
   */
  extend(symbols: readonly string[], keys: readonly string[]): void {
    for (const symbol of symbols) {
      if (DEFAULT_INDEX.has(symbol) || this.#index.has(symbol)) {
        throw new FormatError("symbol_overlap", "Cannot read a token that declares a symbol twice");
      }
      this.insert(symbol);
    }
    for (const key of keys) {
      if (this.#keyIndex.has(key)) {
        throw new FormatError("key_overlap", "Cannot read a token that declares a public key twice");
      }
      this.insertKey(key);
    }
  }

  /** The index of a symbol, added if it is new. */
  insert(symbol: string): number {
    const known = DEFAULT_INDEX.get(symbol) ?? this.#index.get(symbol);
    if (known !== undefined) return known;
    const index = OFFSET + this.#symbols.length;
    this.#symbols.push(symbol);
    this.#index.set(symbol, index);
    return index;
  }

  /** The index of a public key, added if it is new. */
  insertKey(key: string): number {
    const known = this.#keyIndex.get(key);
    if (known !== undefined) return known;
    const index = this.#keys.length;
    this.#keys.push(key);
    this.#keyIndex.set(key, index);
    return index;
  }

  /** The index of a symbol that is in the table; those that are not sort last. */
  indexOf(symbol: string): number {
    return DEFAULT_INDEX.get(symbol) ?? this.#index.get(symbol) ?? Number.MAX_SAFE_INTEGER;
  }

  /** @throws {FormatError} `unknown_symbol`. */
  symbol(index: number | bigint): string {
    const at = Number(index);
    const symbol = at >= OFFSET ? this.#symbols[at - OFFSET] : DEFAULT_SYMBOLS[at];
    if (symbol === undefined) {
      throw new FormatError("unknown_symbol", `Cannot find the symbol with this index: ${index}`, at);
    }
    return symbol;
  }

  /** @throws {FormatError} `unknown_key`. */
  key(index: number | bigint): string {
    const key = this.#keys[Number(index)];
    if (key === undefined) {
      throw new FormatError("unknown_key", `Cannot find the public key with this index: ${index}`);
    }
    return key;
  }

  /** The order of symbols by their index. */
  readonly byIndex = (left: string, right: string): number => this.indexOf(left) - this.indexOf(right);
}

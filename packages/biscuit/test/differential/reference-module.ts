import { readFile } from "node:fs/promises";

interface Disposable {
  free(): void;
}

/** A key of the reference implementation. */
export interface ReferenceKey extends Disposable {
  toString(): string;
}

/** Whatever takes Datalog text. */
interface ReferenceBuilder extends Disposable {
  addCode(source: string): void;
  toString(): string;
}

export interface ReferenceToken extends Disposable {
  appendBlock(block: ReferenceBuilder): ReferenceToken;
  sealToken(): ReferenceToken;
  toBytes(): Uint8Array;
  getRevocationIdentifiers(): string[];
  countBlocks(): number;
  getBlockSource(index: number): string;
  getThirdPartyRequest(): ReferenceRequest;
  appendThirdPartyBlock(key: ReferenceKey, block: ReferenceThirdPartyBlock): ReferenceToken;
}

interface ReferenceThirdPartyBlock extends Disposable {
  toBytes(): Uint8Array;
}

interface ReferenceRequest extends Disposable {
  toBytes(): Uint8Array;
  createBlock(key: ReferenceKey, block: ReferenceBuilder): ReferenceThirdPartyBlock;
}

interface ReferenceAuthorizer extends Disposable {
  authorize(): number;
  query(rule: unknown): { toString(): string }[];
}

/** The part of the reference implementation that the tests ask. */
export interface ReferenceModule {
  readonly Biscuit: {
    builder(): ReferenceBuilder & { build(root: ReferenceKey): ReferenceToken; setRootKeyId(id: number): void };
    fromBytes(data: Uint8Array, root: ReferenceKey): ReferenceToken;
  };
  readonly BlockBuilder: new () => ReferenceBuilder;
  readonly AuthorizerBuilder: new () => ReferenceBuilder & {
    addFact(fact: unknown): void;
    buildUnauthenticated(): ReferenceAuthorizer;
    buildAuthenticated(token: ReferenceToken): ReferenceAuthorizer;
  };
  readonly ThirdPartyRequest: { fromBytes(data: Uint8Array): ReferenceRequest };
  readonly KeyPair: { fromPrivateKey(key: ReferenceKey): { getPublicKey(): ReferenceKey } };
  readonly PrivateKey: { fromString(text: string): ReferenceKey };
  readonly PublicKey: { fromString(text: string, algorithm: 0 | 1): ReferenceKey };
  readonly Rule: { fromString(text: string): unknown };
  readonly Fact: { fromString(text: string): { set(name: string, value: string): void } };
}

const ENTRY = import.meta.resolve("@biscuit-auth/biscuit-wasm");

let compiled: Promise<object> | undefined;
let instances = 0;

/** The part of WebAssembly used here, as not every set of types that compiles this file has it. */
interface Assembly {
  compile(bytes: Uint8Array): Promise<object>;
  instantiate(module: object, imports: object): Promise<{ readonly exports: object }>;
  readonly Module: { imports(module: object): readonly { readonly module: string }[] };
}

const assembly = (globalThis as unknown as { readonly WebAssembly: Assembly }).WebAssembly;

/** Instantiates the reference's WebAssembly by hand: its loader needs a flag or a bundler. */
export async function instantiateReference(): Promise<ReferenceModule> {
  compiled ??= readFile(new URL("./biscuit_bg.wasm", ENTRY)).then((bytes) => assembly.compile(bytes));
  const module = await compiled;
  // The glue keeps its instance in a variable, so that each instance needs glue of its own.
  const glue = await import(new URL(`./biscuit_bg.js?${instances++}`, ENTRY).href);
  const imports: Record<string, object> = {};
  for (const { module: name } of assembly.Module.imports(module)) {
    imports[name] = name === "./biscuit_bg.js" ? glue : { performance_now: () => performance.now() };
  }
  const { exports } = await assembly.instantiate(module, imports);
  glue.__wbg_set_wasm(exports);
  return glue;
}

/** What the reference answered: a value, an error of its own, or nothing because it crashed or ran out of time. */
export type Answer<Value> =
  | { readonly kind: "value"; readonly value: Value }
  | { readonly kind: "error"; readonly error: unknown }
  | { readonly kind: "none" };

/** Its run limit of one millisecond refuses good work at random, on a cold start always; and it leaks until it dies. */
const ATTEMPTS = 100;
const CALLS_PER_INSTANCE = 20_000;

/** Asks the reference implementation, again where it ran out of its millisecond, anew where it crashed. */
export class ReferenceHost {
  #module: ReferenceModule | undefined;
  #calls = 0;

  async ask<Value>(question: (reference: ReferenceModule) => Value): Promise<Answer<Value>> {
    if (this.#calls++ > CALLS_PER_INSTANCE) this.#forget();
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.#module ??= await instantiateReference();
      try {
        return { kind: "value", value: question(this.#module) };
      } catch (error) {
        if (JSON.stringify(error)?.includes("Timeout")) continue;
        if (!(error instanceof Error)) return { kind: "error", error };
        this.#forget();
        return { kind: "none" };
      }
    }
    return { kind: "none" };
  }

  #forget(): void {
    this.#module = undefined;
    this.#calls = 0;
  }
}

import { readFile } from "node:fs/promises";

/** One question to the reference implementation: does `text` match `pattern`? */
export interface RegexCase {
  readonly pattern: string;
  readonly text: string;
}

interface ReferenceAuthorizer {
  free(): void;
  query(rule: unknown): { toString(): string }[];
}

interface ReferenceModule {
  readonly Rule: { fromString(text: string): unknown };
  readonly Fact: { fromString(text: string): { set(name: string, value: string): void } };
  readonly AuthorizerBuilder: new () => {
    addFact(fact: unknown): void;
    buildUnauthenticated(): ReferenceAuthorizer;
  };
}

const ENTRY = import.meta.resolve("@biscuit-auth/biscuit-wasm");

let compiled: Promise<WebAssembly.Module> | undefined;
let instances = 0;

/** Instantiates the reference's WebAssembly by hand: its loader needs a flag or a bundler. */
async function instantiate(): Promise<ReferenceModule> {
  compiled ??= readFile(new URL("./biscuit_bg.wasm", ENTRY)).then((bytes) => WebAssembly.compile(bytes));
  const module = await compiled;
  // The glue keeps its instance in a variable, so that each instance needs glue of its own.
  const glue = await import(new URL(`./biscuit_bg.js?${instances++}`, ENTRY).href);
  const imports: WebAssembly.Imports = {};
  for (const { module: name } of WebAssembly.Module.imports(module)) {
    imports[name] = name === "./biscuit_bg.js" ? glue : { performance_now: () => performance.now() };
  }
  const { exports } = await WebAssembly.instantiate(module, imports);
  glue.__wbg_set_wasm(exports);
  return glue;
}

/** The numbers of the cases that match. */
function ask({ AuthorizerBuilder, Fact, Rule }: ReferenceModule, cases: readonly RegexCase[]): Set<string> {
  const builder = new AuthorizerBuilder();
  for (const [i, { text, pattern }] of cases.entries()) {
    const fact = Fact.fromString(`case(${i}, {text}, {pattern})`);
    fact.set("text", text);
    fact.set("pattern", pattern);
    builder.addFact(fact);
  }
  const authorizer = builder.buildUnauthenticated();
  const rule = Rule.fromString("hit($i) <- case($i, $text, $pattern), $text.matches($pattern)");
  const hits = new Set(authorizer.query(rule).map((fact) => fact.toString()));
  authorizer.free();
  return hits;
}

/** Its run limit of one millisecond refuses good work at random, on a cold start always; and it leaks until it dies. */
const ATTEMPTS = 100;
const CASES_PER_INSTANCE = 5000;
const BATCH = 50;

/** Asks the reference implementation for verdicts; `undefined` where it crashes. */
export class Reference {
  #module: ReferenceModule | undefined;
  #asked = 0;

  async verdicts(cases: readonly RegexCase[]): Promise<(boolean | undefined)[]> {
    const verdicts: (boolean | undefined)[] = [];
    for (let at = 0; at < cases.length; at += BATCH) {
      verdicts.push(...(await this.#batch(cases.slice(at, at + BATCH))));
    }
    return verdicts;
  }

  async #batch(cases: readonly RegexCase[]): Promise<(boolean | undefined)[]> {
    const hits = await this.#hits(cases);
    if (hits !== undefined) return cases.map((_, i) => hits.has(`hit(${i})`));
    if (cases.length === 1) return [undefined];
    const verdicts: (boolean | undefined)[] = [];
    for (const one of cases) verdicts.push(...(await this.#batch([one])));
    return verdicts;
  }

  async #hits(cases: readonly RegexCase[]): Promise<Set<string> | undefined> {
    if (this.#asked > CASES_PER_INSTANCE) {
      this.#module = undefined;
      this.#asked = 0;
    }
    this.#asked += cases.length;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.#module ??= await instantiate();

      try {
        return ask(this.#module, cases);
      } catch (error) {
        if (JSON.stringify(error).includes("Timeout")) continue;
        this.#module = undefined;
        return undefined;
      }
    }
    return undefined;
  }
}

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

let loaded: Promise<ReferenceModule> | undefined;

/** Instantiates the reference's WebAssembly by hand: its loader needs a flag or a bundler. */
async function load(): Promise<ReferenceModule> {
  const entry = import.meta.resolve("@biscuit-auth/biscuit-wasm");
  const glue = await import(new URL("./biscuit_bg.js", entry).href);
  const module = await WebAssembly.compile(await readFile(new URL("./biscuit_bg.wasm", entry)));
  const imports: WebAssembly.Imports = {};
  for (const { module: name } of WebAssembly.Module.imports(module)) {
    imports[name] = name === "./biscuit_bg.js" ? glue : { performance_now: () => performance.now() };
  }
  const { exports } = await WebAssembly.instantiate(module, imports);
  glue.__wbg_set_wasm(exports);
  const start = exports.__wbindgen_start;
  if (typeof start === "function") start();
  return glue;
}

/** Its run limit of one millisecond refuses good work at random, on a cold start always. */
function untilNoTimeout<Result>(run: () => Result): Result {
  for (let attempt = 0; ; attempt++) {
    try {
      return run();
    } catch (error) {
      if (attempt === 100 || !JSON.stringify(error).includes("Timeout")) throw error;
    }
  }
}

/** The verdicts of the reference implementation on `text.matches(pattern)`. */
export async function referenceVerdicts(cases: readonly RegexCase[]): Promise<boolean[]> {
  loaded ??= load();
  const { AuthorizerBuilder, Fact, Rule } = await loaded;
  const verdicts: boolean[] = [];
  const rule = Rule.fromString("hit($i) <- case($i, $text, $pattern), $text.matches($pattern)");
  for (let at = 0; at < cases.length; at += 50) {
    const batch = cases.slice(at, at + 50);
    const hits = untilNoTimeout(() => {
      const builder = new AuthorizerBuilder();
      for (const [i, { text, pattern }] of batch.entries()) {
        const fact = Fact.fromString(`case(${i}, {text}, {pattern})`);
        fact.set("text", text);
        fact.set("pattern", pattern);
        builder.addFact(fact);
      }
      const authorizer = builder.buildUnauthenticated();
      const found = new Set(authorizer.query(rule).map((fact) => fact.toString()));
      authorizer.free();
      return found;
    });
    for (const i of batch.keys()) verdicts.push(hits.has(`hit(${i})`));
  }
  return verdicts;
}

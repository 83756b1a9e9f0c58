import { ReferenceHost, type ReferenceModule } from "../differential/reference-module.ts";

/** One question to the reference implementation: does `text` match `pattern`? */
export interface RegexCase {
  readonly pattern: string;
  readonly text: string;
}

/** The numbers of the cases that match. */
function matching({ AuthorizerBuilder, Fact, Rule }: ReferenceModule, cases: readonly RegexCase[]): Set<string> {
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

const BATCH = 50;

/** Asks the reference implementation for verdicts; `undefined` where it crashes. */
export class Reference {
  readonly #host = new ReferenceHost();

  async verdicts(cases: readonly RegexCase[]): Promise<(boolean | undefined)[]> {
    const verdicts: (boolean | undefined)[] = [];
    for (let at = 0; at < cases.length; at += BATCH) {
      verdicts.push(...(await this.#batch(cases.slice(at, at + BATCH))));
    }
    return verdicts;
  }

  async #batch(cases: readonly RegexCase[]): Promise<(boolean | undefined)[]> {
    const answer = await this.#host.ask((reference) => matching(reference, cases));
    if (answer.kind === "value") return cases.map((_, i) => answer.value.has(`hit(${i})`));
    if (cases.length === 1) return [undefined];
    const verdicts: (boolean | undefined)[] = [];
    for (const one of cases) verdicts.push(...(await this.#batch([one])));
    return verdicts;
  }
}

import {
  createToken,
  type SourceContext,
  type Token,
  TokenError,
  type TokenErrorCode,
  type TokenSource,
} from "@countersign/token-keeper";

/** One answer: seconds a token lives, an error, or something to wait for. */
export type Step = number | TokenErrorCode | Error | ((context: SourceContext) => Promise<Token>);

export interface ScriptedSource extends TokenSource {
  readonly contexts: SourceContext[];
  /** The next answers; the last one is repeated. */
  steps: Step[];
}

/** A source that answers as told: tokens t1, t2 … by the number of the request. */
export function scriptedSource(...steps: Step[]): ScriptedSource {
  const contexts: SourceContext[] = [];
  const source: ScriptedSource = {
    identity: { issuer: "test", clientId: "test", grant: "test" },
    contexts,
    steps,
    async request(context) {
      contexts.push(context);
      const step = source.steps.length > 1 ? source.steps.shift() : source.steps[0];
      if (typeof step === "function") return step(context);
      if (typeof step === "string") throw new TokenError(step, `Scripted: ${step}`);
      if (typeof step !== "number") throw step ?? new Error("No step left");
      return createToken(
        { accessToken: `t${contexts.length}` },
        { issuedAt: context.clock.now(), lifetimeMs: step * 1000 },
      );
    },
  };
  return source;
}

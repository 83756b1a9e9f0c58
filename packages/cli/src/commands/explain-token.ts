import { type ExchangeRequest, explainExchange, issuerIn, OWN_ISSUER, type Policy } from "@countersign/authority";
import { decodeJwt, TokenRefused } from "@countersign/protocol";
import { tokenIn } from "../capability/tokens.ts";
import type { Run } from "../command.ts";
import { CliFailure } from "../failure.ts";

/**
 * Says which rule of exchange a token meets, and why not the others. Nothing is verified: it says what would become of the
 * token if it is genuine.
 */
export async function explainToken({ exchange }: Policy, run: Run): Promise<void> {
  const { given, print } = run;
  const claims = claimsOf((await tokenIn(run.world, given.required("token"))).token);
  const issuer =
    claims.iss !== undefined && claims.iss === given.text("issuer") ? OWN_ISSUER : issuerIn(claims, exchange)?.issuer;
  const request: ExchangeRequest = {
    issuer: issuer ?? String(claims.iss),
    audience: [claims.aud].flat().filter((one) => typeof one === "string"),
    client: given.required("client"),
    claims,
    targets: [given.text("audience")].filter((target) => target !== undefined),
  };
  const rules = explainExchange(exchange, request);
  const met = rules.find(({ applies }) => applies);
  print.table(
    rules,
    {
      RULE: ({ rule }) => rule,
      APPLIES: ({ applies }) => (applies ? "yes" : "no"),
      BECAUSE: ({ because }) => because,
    },
    { verified: false, issuer: request.issuer, rule: met?.rule ?? null, rules },
  );
  if (issuer === undefined) throw new CliFailure("its issuer is none of exchange.issuers", { exitCode: 3 });
  if (met === undefined) throw new CliFailure("no rule of exchange fits the token", { exitCode: 3 });
  print.note(`countersign: met by ${met.rule}: ${met.because}; the signature was not checked`);
}

function claimsOf(text: string) {
  try {
    return decodeJwt(text, { keyHeaders: "ignore" }).claims;
  } catch (error) {
    if (error instanceof TokenRefused) throw new CliFailure(`this is no JWT: ${error.message}`);
    throw error;
  }
}

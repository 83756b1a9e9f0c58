import { AttestationError, STEPS, toPem } from "@countersign/attestation";
import { describe, rootIn, treeLines } from "../attest/describe.ts";
import { inputOf, readInput } from "../attest/input.ts";
import { type Judged, judgeInput, stepJson } from "../attest/verify.ts";
import type { Command, Positional, Run } from "../command.ts";
import { CliFailure } from "../failure.ts";
import { legible } from "../printer.ts";

const file: Positional = {
  name: "file",
  summary: "A quote, a report, a document, a certificate or a JWK set; binary, hexadecimal, base64, PEM or JSON",
};

const MARKS = { passed: "passed ", failed: "FAILED ", not_run: "not run" } as const;

function judgedLines({ name, verdict }: Judged): string[] {
  const steps = verdict.steps.flatMap(({ name: step, outcome, reason }) => [
    `  ${MARKS[outcome]}  ${STEPS[step]}`,
    ...(reason === undefined ? [] : [`             ${reason.code}: ${legible(reason.message)}`]),
  ]);
  return [`${legible(name)}: ${verdict.accepted ? "accepted" : "refused"}`, ...steps];
}

function printJudged({ print }: Run, judged: readonly Judged[]): void {
  const json = judged.map(({ name, verdict: { accepted, steps, reasons } }) => ({
    name,
    accepted,
    reasons: reasons.map(({ code }) => code),
    steps: steps.map(stepJson),
  }));
  print.data(json, () => judged.flatMap(judgedLines));
}

/** What cannot be read at all is told like any failure. */
async function orFail<Result>(work: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AttestationError || error instanceof SyntaxError) throw new CliFailure(error.message);
    throw error;
  }
}

/** Evidence of confidential environments, without a server. */
export const attestCommands: readonly Command[] = [
  {
    name: "attest inspect",
    summary: "Show what evidence says; nothing is verified",
    positionals: [file],
    examples: ["countersign attest inspect jwks.json"],
    run: ({ given, print }) =>
      orFail(() => {
        const tree = describe(inputOf(readInput(given.required("file"))));
        print.data(tree, () => treeLines(tree).map(legible));
      }),
  },
  {
    name: "attest root",
    summary: "Write the root that the chain of a quote ends in, as PEM, to be trusted by name",
    positionals: [file],
    examples: ["countersign attest root jwks.json > simulated-root.pem"],
    run: ({ given, print }) => orFail(() => print.text(toPem([rootIn(inputOf(readInput(given.required("file"))))]))),
  },
  {
    name: "attest verify",
    summary: "Verify evidence under a policy, check by check; exit code 3 where it is refused",
    positionals: [file],
    options: {
      policy: { kind: "text", value: "FILE", summary: "What is accepted: TOML or JSON" },
      issuer: { kind: "text", summary: "JWK sets: the issuer that the keys must be of" },
      nonce: { kind: "text", summary: "JWK sets: what the evidence must be for" },
      collateral: { kind: "text", value: "FILE", summary: "Intel's collateral: JSON" },
      pcs: { kind: "text", value: "URL", summary: "Fetch the collateral: intel, or the address of a PCCS" },
      endorsements: { kind: "text", value: "FILE", summary: "AMD's certificates: JSON" },
      root: { kind: "list", value: "FILE", summary: "Trust this root as well, a simulated one: PEM or DER" },
      at: { kind: "text", value: "TIME", summary: "Verify as of a time; the default is now" },
      "legacy-seed": { kind: "flag", summary: "JWK sets: take keys of confidential-token-broker" },
    },
    examples: ["countersign attest verify jwks.json --policy policy.toml --issuer https://id.example --pcs intel"],
    run: (run) =>
      orFail(async () => {
        const judged = await judgeInput(run, inputOf(readInput(run.given.required("file"))));
        printJudged(run, judged);
        const refused = judged.filter(({ verdict }) => !verdict.accepted);
        if (judged.length === 0) throw new CliFailure("there is nothing to verify", { exitCode: 3 });
        if (refused.length > 0)
          throw new CliFailure(`refused: ${refused.map(({ name }) => name).join(", ")}`, { exitCode: 3 });
      }),
  },
];

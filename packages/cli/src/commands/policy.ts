import {
  checkPolicy,
  diffPolicies,
  explain,
  type Policy,
  type PolicyRequest,
  type TokenKind,
  tokenKinds,
} from "@countersign/authority";
import { defined } from "@countersign/protocol";
import { openApi, remoteOptions } from "../api.ts";

import type { Arguments, Command, Positional, Run } from "../command.ts";
import { CliFailure, usageFailure } from "../failure.ts";
import { type JsonObject, objectsIn } from "../json-members.ts";
import { loadPolicy } from "../policy-files.ts";
import { noPolicy, POLICY_PATH, policyFrom, remotePolicy } from "../policy-remote.ts";
import { policyToml } from "../policy-text.ts";
import { explainToken } from "./explain-token.ts";
import { printDiff } from "./policy-diff.ts";

const file: Positional = {
  name: "file",
  summary: "A policy, or a folder with clients.toml and resources.toml; the running authority's when absent",
  required: false,
};

/** Policy documents, of files or of a running authority. */
export const policyCommands: readonly Command[] = [
  {
    name: "policy check",
    summary: "Look for mistakes in a policy; exit code 3 where there are errors",
    positionals: [file],
    options: { strict: { kind: "flag", summary: "Exit code 3 for warnings, too" }, ...remoteOptions },
    examples: ["countersign policy check policy.toml --strict"],
    async run(run) {
      const { given, print } = run;
      const { policy, placeIn } = await policyFrom(run, given.text("file"));
      const findings = checkPolicy(policy).map((finding) => ({ ...finding, place: placeIn(finding.path) }));
      const { version, hash } = policy;
      print.table(
        findings,
        {
          PLACE: ({ place }) => place,
          RULE: ({ at }) => at,
          KIND: ({ severity, code }) => `${severity}: ${code}`,
          MESSAGE: ({ message }) => message,
        },
        { version, hash, rules: policy.rules.length, findings },
      );
      print.note(`countersign: version ${version}, ${hash}, rules: ${policy.rules.length}`);
      const bad = findings.filter(({ severity }) => severity === "error" || given.flag("strict")).length;
      if (bad > 0) throw new CliFailure(`the policy has ${bad} ${bad === 1 ? "fault" : "faults"}`, { exitCode: 3 });
    },
  },
  {
    name: "policy explain",
    summary: "Say by which rule a request is allowed or refused; exit code 3 where it is refused",
    positionals: [file],
    options: {
      ...remoteOptions,
      subject: { kind: "text", summary: "Who asks" },
      role: { kind: "list", summary: "External roles of the subject" },
      realm: { kind: "text", summary: "The realm that its identity token is restricted to" },
      client: { kind: "text", summary: "The client that asks for it" },
      "delegated-from": { kind: "text", summary: "Whom a delegate's identity token was given to" },
      scope: { kind: "text", summary: "The scope of an access token" },
      audience: { kind: "text", summary: "Whom the access token is for" },
      resource: { kind: "text", summary: "The resource of a capability token" },
      operation: { kind: "text", summary: "What is to be done with the resource" },
      token: {
        kind: "text",
        value: "FILE",
        summary: "Say which rule of exchange a token meets: a file that holds it, or - for the standard input",
      },
      issuer: { kind: "text", summary: "With --token: the issuer identifier of the authority, for its own tokens" },
      kind: { kind: "text", summary: "What is asked for; told by the other options", choices: tokenKinds },
    },
    examples: [
      "countersign policy explain policy.toml --subject urn:a --resource orders --operation read",
      "countersign policy explain policy.toml --subject alice --client web --scope orders.read",
      "countersign policy explain policy.toml --token job.jwt --client ci",
    ],
    async run(run) {
      const { given, print } = run;
      const token = given.text("token");
      if (token !== undefined) return explainToken((await policyFrom(run, given.text("file"))).policy, run);
      const request = requestOf(given);
      const path = given.text("file");
      const { explanation, isAllowed, because, rules } =
        path === undefined ? await explainThere(run, request) : explainHere(loadPolicy(path).policy, request);
      print.table(
        rules,
        {
          RULE: ({ rule }) => rule,
          EFFECT: ({ effect }) => effect,
          APPLIES: ({ applies }) => (applies ? "yes" : "no"),
          BECAUSE: ({ because: why }) => why,
        },
        explanation,
      );
      if (!isAllowed) throw new CliFailure(because, { exitCode: 3 });
      print.note(`countersign: ${because}`);
    },
  },
  {
    name: "policy diff",
    summary: "Say what two policies allow differently; exit code 3 where anything differs",
    positionals: [
      { name: "old", summary: "The policy before; of one file alone: the policy after, and the authority's is before" },
      { name: "new", summary: "The policy after", required: false },
    ],
    options: remoteOptions,
    examples: ["countersign policy diff policy.toml new-policy.toml", "countersign policy diff new-policy.toml"],
    async run(run) {
      const [first, second] = [run.given.required("old"), run.given.text("new")];
      const before = second === undefined ? (await remotePolicy(await openApi(run)))?.policy : loadPolicy(first).policy;
      const after = loadPolicy(second ?? first).policy;
      const ways = printDiff(run, diffPolicies(before ?? noPolicy(), after), { before, after });
      if (ways > 0) throw new CliFailure(`the policies differ in ${ways} ways`, { exitCode: 3 });
    },
  },
  {
    name: "policy import",
    summary: "Print clients.toml and resources.toml as one policy document",
    positionals: [
      { name: "path", summary: "The folder that holds both, or one of the files" },
      { name: "other", summary: "The other file", required: false },
    ],
    examples: ["countersign policy import ./test-config > policy.toml"],
    async run({ given, print }) {
      const { policy } = loadPolicy(
        given.required("path"),
        ...[given.text("other")].filter((path) => path !== undefined),
      );
      if (print.json) print.data(policy.document, () => []);
      else print.text(policyToml(policy.document));
    },
  },
];

interface Explained {
  /** For machines. */
  readonly explanation: object;
  readonly isAllowed: boolean;
  readonly because: string;
  readonly rules: readonly JsonObject[];
}

function explainHere(policy: Policy, request: PolicyRequest): Explained {
  const explanation = explain(policy, request);
  const { version, hash } = policy;
  return {
    explanation: { version, hash, request, ...explanation },
    isAllowed: explanation.decision.allowed,
    because: explanation.because,
    rules: explanation.rules.map((rule) => ({ ...rule })),
  };
}

/** The authority knows the roles of the subject's record. */
async function explainThere(run: Run, { delegatedFrom, ...request }: PolicyRequest): Promise<Explained> {
  const body = { ...request, ...defined({ delegated_from: delegatedFrom }) };
  const response = await (await openApi(run)).send("POST", `${POLICY_PATH}/explain`, body);
  return {
    explanation: response,
    isAllowed: response.allowed === true,
    because: String(response.because),
    rules: objectsIn(response, "rules"),
  };
}

function requestOf(given: Arguments): PolicyRequest {
  const asking = { subject: given.required("subject"), ...optional(given) };
  const scope = given.text("scope");
  const [resource, operation] = [given.text("resource"), given.text("operation")];
  const kind = tokenKinds.find((name) => name === given.text("kind")) ?? kindOf(scope, resource);
  if (scope !== undefined && (resource !== undefined || operation !== undefined)) {
    throw usageFailure("a scope and a resource are two requests", "give --scope, or --resource and --operation");
  }
  if (kind === "access_token" && scope !== undefined) {
    return { kind, ...asking, scope, ...defined({ audience: given.text("audience") }) };
  }
  if (kind === "identity" && scope === undefined && resource === undefined) return { kind, ...asking };
  if ((kind === "authorization" || kind === "signoff") && resource !== undefined && operation !== undefined) {
    return { kind, ...asking, resource, operation };
  }
  throw usageFailure(
    "it is not said what is asked for",
    "give --scope, --resource and --operation, or --kind identity",
  );
}

function kindOf(scope: string | undefined, resource: string | undefined): TokenKind | undefined {
  if (scope !== undefined) return "access_token";
  return resource === undefined ? undefined : "authorization";
}

function optional(given: Arguments) {
  return defined({
    roles: given.list("role"),
    realm: given.text("realm"),
    client: given.text("client"),
    delegatedFrom: given.text("delegated-from"),
  });
}

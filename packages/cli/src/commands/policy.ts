import {
  checkPolicy,
  diffPolicies,
  explain,
  type PolicyRequest,
  type TokenKind,
  tokenKinds,
} from "@countersign/authority";
import { defined } from "@countersign/protocol";
import type { Arguments, Command, Positional } from "../command.ts";
import { CliFailure, usageFailure } from "../failure.ts";
import { loadPolicy } from "../policy-files.ts";
import { explainToken } from "./explain-token.ts";

const file: Positional = { name: "file", summary: "A policy, or a folder with clients.toml and resources.toml" };

/** Policy documents, without a server. */
export const policyCommands: readonly Command[] = [
  {
    name: "policy check",
    summary: "Look for mistakes in a policy; exit code 3 where there are errors",
    positionals: [file],
    options: { strict: { kind: "flag", summary: "Exit code 3 for warnings, too" } },
    examples: ["countersign policy check policy.toml --strict"],
    async run({ given, print }) {
      const { policy, placeIn } = loadPolicy(given.required("file"));
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
      const { policy } = loadPolicy(given.required("file"));
      if (given.text("token") !== undefined) return explainToken(policy, run);
      const request = requestOf(given);
      const explanation = explain(policy, request);
      const { version, hash } = policy;
      print.table(
        explanation.rules,
        {
          RULE: ({ rule }) => rule,
          EFFECT: ({ effect }) => effect,
          APPLIES: ({ applies }) => (applies ? "yes" : "no"),
          BECAUSE: ({ because }) => because,
        },
        { version, hash, request, ...explanation },
      );
      if (!explanation.decision.allowed) throw new CliFailure(explanation.because, { exitCode: 3 });
      print.note(`countersign: ${explanation.because}`);
    },
  },
  {
    name: "policy diff",
    summary: "Say what two policies allow differently; exit code 3 where anything differs",
    positionals: [
      { name: "old", summary: "The policy before" },
      { name: "new", summary: "The policy after" },
    ],
    examples: ["countersign policy diff policy.toml new-policy.toml"],
    async run({ given, print }) {
      const { policy: before } = loadPolicy(given.required("old"));
      const { policy: after } = loadPolicy(given.required("new"));
      const diff = diffPolicies(before, after);
      const rows = [
        ...diff.rules.map(({ change, rule }) => ({ change: `rule ${change}`, who: rule, what: "" })),
        ...diff.decisions.map(({ change, subject, what }) => ({ change, who: subject, what })),
      ];
      print.table(
        rows,
        { CHANGE: ({ change }) => change, "RULE OR SUBJECT": ({ who }) => who, WHAT: ({ what }) => what },
        { before: identityOf(before), after: identityOf(after), ...diff },
      );
      if (diff.isPartial) {
        print.note(`countersign: warning: only the first ${diff.compared} requests were compared; there are more`);
      }
      if (rows.length > 0) throw new CliFailure(`the policies differ in ${rows.length} ways`, { exitCode: 3 });
    },
  },
];

function identityOf({ version, hash }: { readonly version: number; readonly hash: string }) {
  return { version, hash };
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

import { CountersignError, defined } from "@countersign/protocol";
import { z } from "zod";
import { documentSchema } from "../../policy/document.ts";
import { explain } from "../../policy/explain.ts";
import { tokenKinds } from "../../policy/kinds.ts";
import { type PolicyRecord, unpackDocument } from "../../policy-store/policy-record.ts";
import type { Services } from "../../services.ts";
import type { Route } from "../route.ts";
import { operation } from "./operation.ts";
import { askedOf, changeOptions, checkDocument, ifMatch, tryDocument } from "./policy-change.ts";

const TAG = "Policy";
const POLICY_PATH = "/api/v1/policy";

const flag = z.enum(["true", "false"]).default("false");

const revisionShape = {
  revision: z.number().int().describe("Counts the changes of the policy; also its ETag"),
  changed_at: z.number().int().describe("Seconds since the epoch"),
  actor: z.string(),
  change: z.enum(["set", "rollback", "delete"]),
  rolled_back_to: z.number().int().optional().describe("The revision whose document was set again"),
  version: z.number().int().optional().describe("The document's own number; absent where there is no document"),
  hash: z.string().optional(),
  rules: z.number().int().optional(),
};

const revisionView = z.object(revisionShape);

const policyView = z.object({
  origin: z.enum(["store", "configuration"]),
  revision: revisionShape.revision,
  version: z.number().int(),
  hash: z.string(),
  changed_at: revisionShape.changed_at.optional(),
  actor: z.string().optional(),
  document: z.looseObject({}),
});

const finding = z.object({
  code: z.string(),
  severity: z.enum(["error", "warning"]),
  at: z.string(),
  message: z.string(),
});

const trialView = z.object({
  version: z.number().int(),
  hash: z.string(),
  findings: z.array(finding).describe("What is probably not meant"),
  diff: z
    .object({
      rules: z.array(z.object({ change: z.string(), rule: z.string() })),
      decisions: z.array(z.object({ change: z.string(), subject: z.string(), what: z.string() })),
      compared: z.number().int(),
      is_partial: z.boolean().describe("Whether there is more than was compared or is shown"),
    })
    .describe("What it allows differently from the policy that counts"),
});

const changed = z.object({ ...revisionShape, findings: z.array(finding) });

const explainInput = z.strictObject({
  kind: z.enum(tokenKinds),
  subject: z.string().max(1024),
  roles: z.array(z.string().max(1024)).max(100).optional().describe("Of the record of the user or client when absent"),
  realm: z.string().max(1024).optional(),
  client: z.string().max(1024).optional(),
  delegated_from: z.string().max(1024).optional(),
  scope: z.string().max(256).optional(),
  audience: z.string().max(1024).optional(),
  resource: z.string().max(1024).optional(),
  operation: z.string().max(1024).optional(),
});

/** The policy, for administrators. */
export const policyRoutes: readonly Route[] = [
  operation({
    method: "GET",
    path: POLICY_PATH,
    summary: "Show the policy that counts",
    tag: TAG,
    access: "superuser",
    result: policyView,
    etag: ({ revision }) => `"${revision}"`,
    run: async ({ services }) => show(services),
  }),
  operation({
    method: "PUT",
    path: POLICY_PATH,
    summary: "Set the policy, or with dry_run say what it would change; every fault of it is named at once",
    tag: TAG,
    access: "superuser",
    headers: ifMatch,
    query: z.strictObject({
      dry_run: flag.describe("Change nothing, and answer with what would differ"),
      force: flag.describe("Also where it takes superuser from whoever sets it"),
    }),
    body: z.looseObject({}),
    shownBody: documentSchema,
    result: z.union([changed, trialView]),
    async run(call) {
      const { body, query, services } = call;
      if (query.dry_run === "true") return tryDocument(body, services);
      const { findings } = checkDocument(body);
      const record = await services.policy.set(body, await changeOptions(call, { mustBeNamed: true }));
      return { ...revisionJson(record), findings };
    },
  }),
  operation({
    method: "DELETE",
    path: POLICY_PATH,
    summary: "Remove the policy: client and user alone bound scopes then, and capability tokens are refused",
    tag: TAG,
    access: "superuser",
    headers: ifMatch,
    async run(call) {
      await call.services.policy.remove(await changeOptions(call));
    },
  }),
  operation({
    method: "GET",
    path: `${POLICY_PATH}/history`,
    summary: "List the revisions of the policy, newest first",
    tag: TAG,
    access: "superuser",
    query: z.strictObject({
      limit: z.coerce.number().int().min(1).max(200).default(50),
      before: z.coerce.number().int().min(1).optional().describe("Only revisions before this one"),
    }),
    result: z.object({
      revisions: z.array(revisionView),
      next: z.number().int().optional().describe("Go on with this as before; absent on the last page"),
    }),
    async run({ query: { limit, before }, services: { policy } }) {
      const found = await policy.history({ limit: limit + 1, ...defined({ before }) });
      const revisions = found.slice(0, limit).map(revisionJson);
      const last = revisions.at(-1);
      return { revisions, ...(found.length > limit && last !== undefined ? { next: last.revision } : {}) };
    },
  }),
  operation({
    method: "GET",
    path: `${POLICY_PATH}/history/:revision`,
    summary: "Show one revision with its document",
    tag: TAG,
    access: "superuser",
    result: revisionView.extend({ document: z.looseObject({}).optional() }),
    async run({ params, services: { policy } }) {
      const record = await policy.revision(numberOf(params.revision));
      if (record === undefined) throw new CountersignError("not_found");
      const document = record.document === undefined ? undefined : { ...unpackDocument(record.document) };
      return { ...revisionJson(record), ...defined({ document }) };
    },
  }),
  operation({
    method: "POST",
    path: `${POLICY_PATH}/rollback`,
    summary: "Set the document of an earlier revision again, as a new revision",
    tag: TAG,
    access: "superuser",
    headers: ifMatch,
    query: z.strictObject({ force: flag }),
    body: z.strictObject({ revision: z.number().int().min(1) }),
    result: revisionView,
    async run(call) {
      return revisionJson(await call.services.policy.rollback(call.body.revision, await changeOptions(call)));
    },
  }),
  operation({
    method: "POST",
    path: `${POLICY_PATH}/explain`,
    summary: "Say by which rule a request is allowed or refused",
    tag: TAG,
    access: "superuser",
    body: explainInput,
    result: z.object({
      allowed: z.boolean(),
      because: z.string(),
      roles: z.array(z.string()).describe("By which the rules know the subject"),
      decision: z.looseObject({ allowed: z.boolean() }),
      rules: z.array(
        z.object({ rule: z.string(), effect: z.enum(["allow", "deny"]), applies: z.boolean(), because: z.string() }),
      ),
    }),
    async run({ body, services }) {
      const request = await askedOf(body, services);
      const { policy } = await services.policy.current();
      if (policy === undefined) throw noPolicy();
      const { decision, because, roles, rules } = explain(policy, request);
      return { allowed: decision.allowed, because, roles: [...roles], decision: { ...decision }, rules: [...rules] };
    },
  }),
];

async function show({ policy: service }: Pick<Services, "policy">): Promise<z.input<typeof policyView>> {
  const { policy, origin, revision } = await service.current();
  if (policy === undefined || origin === "none") throw noPolicy();
  const latest = origin === "store" ? await service.revision(revision) : undefined;
  return {
    origin,
    revision,
    version: policy.version,
    hash: policy.hash,
    ...(latest === undefined ? {} : { changed_at: seconds(latest.changedAt), actor: latest.actor }),
    document: { ...policy.document },
  };
}

function noPolicy(): CountersignError {
  return new CountersignError("not_found", { hint: "There is no policy: client and user alone bound scopes" });
}

function revisionJson({ revision, changedAt, actor, change, rolledBackTo, document }: PolicyRecord) {
  const about = { version: document?.version, hash: document?.hash, rules: document?.rules };
  return {
    revision,
    changed_at: seconds(changedAt),
    actor,
    change,
    ...defined({ rolled_back_to: rolledBackTo, ...about }),
  };
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

function numberOf(text = ""): number {
  return /^[1-9]\d{0,11}$/.test(text) ? Number(text) : 0;
}

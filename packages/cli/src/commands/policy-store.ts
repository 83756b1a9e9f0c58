import { checkPolicy, compilePolicy, diffPolicies, type Policy, readPolicy } from "@countersign/authority";
import { type Api, openApi, remoteOptions } from "../api.ts";

import type { Command, Option, Run } from "../command.ts";
import { usageFailure } from "../failure.ts";
import { type JsonObject, objectsIn } from "../json-members.ts";
import { limitOf } from "../listing.ts";
import { loadPolicy } from "../policy-files.ts";
import { noneThere, noPolicy, POLICY_PATH, remotePolicy } from "../policy-remote.ts";
import { policyToml } from "../policy-text.ts";
import { instant } from "../printer.ts";
import { printDiff } from "./policy-diff.ts";

const PAGE_SIZE = 200;

const force: Option = { kind: "flag", summary: "Also where it takes superuser from whoever sets it" };

/** The policy of a running authority. */
export const policyStoreCommands: readonly Command[] = [
  {
    name: "policy show",
    summary: "Print the policy of a running authority, as TOML",
    options: {
      ...remoteOptions,
      revision: { kind: "text", value: "NUMBER", summary: "One that policy history lists" },
    },
    async run(run) {
      const api = await openApi(run);
      const number = revisionOf(run.given.text("revision"));
      const response =
        number === undefined ? (await remotePolicy(api))?.response : await api.get(`${POLICY_PATH}/history/${number}`);
      if (response === undefined) throw noneThere(api);
      if (run.print.json) run.print.data(response, () => []);
      else run.print.text(textOf(response));
      run.print.note(noteOf(response));
    },
  },
  {
    name: "policy set",
    summary: "Set the policy of a running authority, and say what it changes",
    positionals: [{ name: "file", summary: "A policy, or a folder with clients.toml and resources.toml" }],
    options: {
      ...remoteOptions,
      "dry-run": { kind: "flag", summary: "Only say what it would change" },
      "expect-revision": { kind: "text", value: "NUMBER", summary: "Refuse where another one counts; 0 is none" },
      force,
    },
    examples: ["countersign policy set policy.toml --dry-run", "countersign policy set policy.toml"],
    async run(run) {
      const { given, print } = run;
      const { policy: next, placeIn } = loadPolicy(given.required("file"));
      const api = await openApi(run);
      const remote = await remotePolicy(api);
      for (const { severity, at, message, path } of checkPolicy(next)) {
        print.note(`countersign: warning: ${placeIn(path)}: ${at} ${message}${severity === "error" ? " (error)" : ""}`);
      }
      const diff = diffPolicies(remote?.policy ?? noPolicy(), next);
      printDiff(run, diff, { before: remote?.policy, after: next });
      if (given.flag("dry-run")) {
        await tryAt(api, next);
        return print.note("countersign: nothing was changed: this was a dry run");
      }
      const expected = given.integer("expect-revision") ?? remote?.revision ?? 0;
      const response = await api.send("PUT", `${POLICY_PATH}${query(run)}`, next.document, conditionOf(expected));
      print.note(`countersign: revision ${String(response.revision)} counts`);
    },
  },
  {
    name: "policy history",
    summary: "List the revisions of the policy, newest first",
    options: { ...remoteOptions, limit: { kind: "text", value: "NUMBER", summary: "At most so many; 50 by default" } },
    async run(run) {
      const rows = await revisions(await openApi(run), limitOf(run.given, 50));
      run.print.table(
        rows,
        {
          REVISION: (row) => row.revision,
          CHANGE: (row) => (row.rolled_back_to === undefined ? row.change : `${row.change} to ${row.rolled_back_to}`),
          VERSION: (row) => row.version,
          RULES: (row) => row.rules,
          BY: (row) => row.actor,
          AT: (row) => instant(row.changed_at),
        },
        { revisions: rows },
      );
    },
  },
  {
    name: "policy rollback",
    summary: "Set an earlier revision of the policy again, as a new one",
    positionals: [{ name: "revision", summary: "As policy history lists it" }],
    options: { ...remoteOptions, force },
    async run(run) {
      const revision = Number(revisionOf(run.given.required("revision")));
      const api = await openApi(run);
      const response = await api.send("POST", `${POLICY_PATH}/rollback${query(run)}`, { revision });
      run.print.done(response, `revision ${String(response.revision)} counts, with the document of ${revision}`);
    },
  },
  {
    name: "policy remove",
    summary: "Remove the policy: client and user alone bound scopes then, and capability tokens are refused",
    options: remoteOptions,
    async run(run) {
      await (await openApi(run)).send("DELETE", POLICY_PATH);
      run.print.done({ removed: true }, "removed the policy; countersign policy rollback brings it back");
    },
  },
];

/** What the authority itself says of it: it may be of another version, and refuse what is read here. */
async function tryAt(api: Api, { document }: Policy): Promise<void> {
  await api.send("PUT", `${POLICY_PATH}?dry_run=true`, document);
}

/** Nobody's change is overwritten that was not seen: what is replaced is what the differences are from. */
function conditionOf(revision: number): Readonly<Record<string, string>> {
  return revision === 0 ? { "if-none-match": "*" } : { "if-match": `"${revision}"` };
}

function query({ given }: Run): string {
  return given.flag("force") ? "?force=true" : "";
}

function revisionOf(text: string | undefined): string | undefined {
  if (text === undefined || /^[1-9]\d{0,11}$/.test(text)) return text;
  throw usageFailure(`not a revision: ${text}`, "countersign policy history lists them");
}

/** Remarks go elsewhere than the document, which can be kept as a file. */
function noteOf({ revision, actor, changed_at, origin }: JsonObject): string {
  const from = origin === "configuration" ? "of the authority's configuration" : `revision ${String(revision)}`;
  const by = actor === undefined ? "" : `, by ${String(actor)} at ${instant(changed_at)}`;
  return `countersign: ${from}${by}`;
}

function textOf({ document }: JsonObject): string {
  if (typeof document !== "object" || document === null) return "# no document: the policy was removed\n";
  return policyToml(compilePolicy(readPolicy(document)).document);
}

async function revisions(api: Api, limit: number): Promise<readonly JsonObject[]> {
  const rows: JsonObject[] = [];
  let before: string | undefined;
  do {
    const size = String(Math.min(PAGE_SIZE, limit - rows.length));
    const page = await api.get(`${POLICY_PATH}/history`, { limit: size, before });
    rows.push(...objectsIn(page, "revisions"));
    before = typeof page.next === "number" ? String(page.next) : undefined;
  } while (before !== undefined && rows.length < limit);
  return rows;
}

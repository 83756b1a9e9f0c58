import { defined } from "@countersign/protocol";
import { openApi, remoteOptions } from "./api.ts";

import type { Arguments, Option, Run } from "./command.ts";
import { usageFailure } from "./failure.ts";
import { type JsonObject, objectsIn, textIn } from "./json-members.ts";

/** What a listing takes. */
export const listingOptions: Readonly<Record<string, Option>> = {
  ...remoteOptions,
  search: { kind: "text", summary: "Part of a name or id" },
  limit: { kind: "text", value: "NUMBER", summary: "At most so many; all by default" },
  after: { kind: "text", value: "ID", summary: "Go on after this one, where a limit ended the listing before" },
};

/** The most that the authority puts into one response. */
const PAGE_SIZE = 200;

/** A paged listing of the management API. */
interface Listing {
  readonly path: string;
  /** The member of its responses that holds the rows; `--json` prints it under the same name. */
  readonly member: string;
  readonly columns: Readonly<Record<string, (row: JsonObject) => unknown>>;
}

/** @throws {CliFailure} with exit code 2, unless `--limit` is absent or at least 1. */
export function limitOf(given: Arguments, fallback: number): number {
  const limit = given.integer("limit") ?? fallback;
  if (limit < 1) throw usageFailure("--limit must be at least 1");
  return limit;
}

/** Prints a listing, page by page to its end or to `--limit`; then it says that there is more, and how to go on. */
export async function printListing(run: Run, { path, member, columns }: Listing): Promise<void> {
  const { given, print } = run;
  const limit = limitOf(given, Number.POSITIVE_INFINITY);
  const api = await openApi(run);
  const rows: JsonObject[] = [];
  let next = given.text("after");
  do {
    const size = String(Math.min(PAGE_SIZE, limit - rows.length));
    const page = await api.get(path, { search: given.text("search"), limit: size, after: next });
    rows.push(...objectsIn(page, member));
    next = textIn(page, "next");
  } while (next !== undefined && rows.length < limit);
  print.table(rows, columns, { [member]: rows, ...defined({ next }) });
  if (next !== undefined) print.note(`countersign: there are more: go on with --after ${next}`);
}

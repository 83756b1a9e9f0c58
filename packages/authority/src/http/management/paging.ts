import { defined } from "@countersign/protocol";
import { z } from "zod";

/** A page of a listing: `after` is the `next` of the page before. */
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  after: z.string().max(256).optional(),
  search: z.string().max(256).optional(),
});

/** The id to go on after, when something follows. */
export const nextPage = z.string().optional().describe("Go on with this as after; absent on the last page");

interface Page {
  readonly limit: number;
  readonly after?: string;
  readonly search?: string;
}

/** The rows of a page, and where to go on. One more than asked for is read, so that `next` is there only when something follows. */
export async function readPage<Row>(
  { limit, after, search }: z.output<typeof pageQuery>,
  list: (page: Page) => Promise<readonly Row[]>,
  idOf: (row: Row) => string,
): Promise<{ readonly rows: readonly Row[]; readonly more: { readonly next?: string } }> {
  const found = await list({
    limit: limit + 1,
    ...defined({ after, search }),
  });
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  return { rows, more: found.length > limit && last !== undefined ? { next: idOf(last) } : {} };
}

import type { Names } from "./postgres-schema.ts";
import type { Page } from "./store.ts";

/** A statement: its name, under which each connection prepares it once, and its text. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** A row of the table, as the statements select it. */
export interface PostgresRow {
  readonly key: Buffer;
  readonly version: number;
  readonly owner: Buffer | null;
  readonly expires_at: number | null;
  readonly value: string;
}

/** What became of a unit of a commit. */
export interface VerdictRow {
  readonly unit: number;
  /** All that it expected was met: it was done. */
  readonly won: boolean;
  /** Something has this unit's version already: an earlier copy of it was done. */
  readonly done: boolean;
  /** The version of the commit that was noted under its id before. */
  readonly noted: number | null;
  /** Something that it changes is still as it expects it: no earlier copy of it was done. */
  readonly untouched: boolean;
  /** Which of its wishes, counted from 1 through the whole batch, found another version than they expected. */
  readonly failed: readonly number[] | null;
}

/** Every statement of the store. Instants are parameters: items expire by the clock of the authority. */
export interface Statements {
  readonly commit: Statement;
  readonly take: Statement;
  readonly get: Statement;
  readonly listForwards: Statement;
  readonly listBackwards: Statement;
  readonly scan: Statement;
  readonly reserve: Statement;
  readonly sweep: Statement;
}

/**
 * The commit of some units, in one statement at READ COMMITTED: it locks the rows that exist in the order of their keys,
 * judges each unit by what it locked, and makes the changes of those that won. A row that changed since the statement began is
 * waited for and judged as it is then; one that came since is met by its unique key (23505), and the whole is undone.
 *
 * An absence cannot be locked, so whoever expects one and writes nothing there leaves a row that was never alive, which the
 * sweep takes away. Each unit brings its version: a repetition finds it, and changes nothing. What was created may be gone again
 * when the repetition comes, and would be created twice: so a unit that is repeated wins only where something that it replaces or
 * removes is still as it expects it.
 */
function commitText({ item }: Names): string {
  return `
    WITH wish AS MATERIALIZED (
      SELECT * FROM unnest($1::int[], $2::text[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bytea[], $7::float8[], $8::text[], $10::bool[])
        WITH ORDINALITY AS w (unit, kind, key, version, expected, owner, expires_at, value, repeated, place)
    ), locked AS MATERIALIZED (
      SELECT key, version, CASE WHEN expires_at <= $9::float8 THEN 0 ELSE version END AS live
      FROM ${item} WHERE key = ANY ($3::bytea[]) ORDER BY key FOR UPDATE
    ), judged AS MATERIALIZED (
      SELECT w.*, l.key IS NOT NULL AS present, coalesce(l.live, 0) AS found, l.version IS NOT DISTINCT FROM w.version AS ours
      FROM wish w LEFT JOIN locked l ON l.key = w.key
    ), verdict AS MATERIALIZED (
      SELECT unit,
        bool_or(ours AND kind IN ('write', 'note')) AS done,
        max(found) FILTER (WHERE kind = 'note' AND found <> 0) AS noted,
        bool_or(kind IN ('write', 'remove') AND expected <> 0 AND found = expected) AS untouched,
        bool_or(repeated) AS repeated,
        array_agg(place::int) FILTER (WHERE kind <> 'note' AND found <> expected) AS failed
      FROM judged GROUP BY unit
    ), winner AS MATERIALIZED (
      SELECT unit FROM verdict
      WHERE NOT done AND noted IS NULL AND failed IS NULL AND (untouched OR NOT repeated)
    ), won AS MATERIALIZED (
      SELECT j.* FROM judged j JOIN winner w ON w.unit = j.unit
    ), replaced AS (
      UPDATE ${item} i SET version = w.version, owner = w.owner, expires_at = w.expires_at, value = w.value
      FROM won w WHERE i.key = w.key AND w.present AND w.kind IN ('write', 'note')
    ), removed AS (
      DELETE FROM ${item} i USING won w WHERE i.key = w.key AND w.present AND w.kind = 'remove'
    ), created AS (
      INSERT INTO ${item} (key, version, owner, expires_at, value)
      SELECT key, version, owner, CASE WHEN kind IN ('write', 'note') THEN expires_at ELSE '-Infinity' END, coalesce(value, 'null')
      FROM won WHERE NOT present ORDER BY key
    )
    SELECT v.unit, v.done, v.noted::float8 AS noted, v.untouched, v.failed,
      v.unit IN (SELECT unit FROM winner) AS won
    FROM verdict v ORDER BY v.unit`;
}

const COLUMNS = "key, version::float8 AS version, owner, expires_at, value";

/** The statements for the tables of a schema. */
export function statementsFor(names: Names): Statements {
  const { item, version } = names;
  const live = (place: string) => `(expires_at IS NULL OR expires_at > ${place}::float8)`;
  const list = `SELECT ${COLUMNS} FROM ${item} WHERE owner = $1 AND ${live("$2")}`;
  return {
    commit: { name: "countersign_commit_1", text: commitText(names) },
    take: {
      name: "countersign_take_1",
      text: `DELETE FROM ${item} WHERE key = $1 AND ($2::bigint IS NULL OR version = $2) AND ${live("$3")} RETURNING ${COLUMNS}`,
    },
    get: { name: "countersign_get_1", text: `SELECT ${COLUMNS} FROM ${item} WHERE key = ANY ($1::bytea[])` },
    listForwards: {
      name: "countersign_list_1",
      text: `${list} AND ($3::bytea IS NULL OR key > $3) ORDER BY key LIMIT $4`,
    },
    listBackwards: {
      name: "countersign_list_back_1",
      text: `${list} AND ($3::bytea IS NULL OR key < $3) ORDER BY key DESC LIMIT $4`,
    },
    scan: {
      name: "countersign_scan_1",
      text: `SELECT ${COLUMNS} FROM ${item} WHERE key > $1 ORDER BY key LIMIT $2`,
    },
    reserve: { name: "countersign_reserve_1", text: `SELECT nextval('${version}')::float8 AS first` },
    sweep: {
      name: "countersign_sweep_1",
      text: `DELETE FROM ${item} WHERE ctid IN (
        SELECT ctid FROM ${item} WHERE expires_at <= $1::float8 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)`,
    },
  };
}

/** The statement of a page, and its parameters. */
export function listing(statements: Statements, { owner, page, now }: { owner: string; page: Page; now: number }) {
  const after = page.after === undefined ? null : Buffer.from(page.after);
  const statement = page.reverse ? statements.listBackwards : statements.listForwards;
  return { statement, values: [Buffer.from(owner), now, after, page.limit] };
}

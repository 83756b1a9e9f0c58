import type { DatabaseSync } from "node:sqlite";
import { keys } from "./keys.ts";

/**
 * Each row takes a file from the schema version of its index to the next. Rows are never changed, only added.
 * Without a rowid a lookup walks one tree, not two; that suits items under 1,000 bytes, as nearly all are.
 */
export const migrations = [
  `CREATE TABLE item (
     key TEXT NOT NULL PRIMARY KEY,
     version INTEGER NOT NULL,
     owner TEXT,
     expires_at INTEGER,
     value TEXT NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX item_owner ON item (owner, key) WHERE owner IS NOT NULL;`,
  // Versions were microseconds of the wall clock: under one of the year 2255 and later they left the safe integers.
  `CREATE TABLE version (given INTEGER NOT NULL);
   UPDATE item SET version = 1 WHERE version NOT BETWEEN 1 AND 9007199254740991;
   INSERT INTO version VALUES (1);`,
  // Of a registration or renaming that was not finished nothing stays. Users and clients get an incarnation, and the logins
  // of theirs that the version before took have it too. The audit records become the stream "1".
  `DELETE FROM item WHERE key > 'U#' AND key < 'U$' AND value ->> '$.tombstone';
   DELETE FROM item WHERE key > 'UN#' AND key < 'UN$' AND NOT EXISTS (
     SELECT 1 FROM item AS user
     WHERE user.key = 'U#' || (item.value ->> '$.userId') AND username_key(user.value ->> '$.username') = item.key);
   UPDATE item SET value = json_set(value, '$.incarnation', lower(hex(randomblob(4))))
     WHERE key > 'C#' AND key < 'C$' OR key > 'U#' AND key < 'U$';
   UPDATE item SET value = json_set(item.value,
     '$.clientIncarnation', client.value ->> '$.incarnation', '$.userIncarnation', user.value ->> '$.incarnation')
     FROM item AS client, item AS user
     WHERE item.key > 'RTF#' AND item.key < 'RTF$'
       AND client.key = 'C#' || (item.value ->> '$.clientId') AND user.key = 'U#' || (item.value ->> '$.userId')
       AND item.value ->> '$.createdAt' >= client.value ->> '$.createdAt';
   INSERT INTO item (key, version, owner, expires_at, value)
     SELECT 'AS#1', 1, 'audit', max(expires_at), json_object('streamId', '1', 'order', max(value ->> '$.at'))
     FROM item WHERE key > 'A#' AND key < 'A$' HAVING count(*) > 0;
   UPDATE item SET key = 'A#1#' || substr(key, 3), owner = 'A#1' WHERE key > 'A#' AND key < 'A$';`,
] as const;

/** Defines what the migrations call. */
export function prepareMigrations(database: DatabaseSync): void {
  database.function("username_key", { deterministic: true }, (name) => keys.username(String(name)));
}

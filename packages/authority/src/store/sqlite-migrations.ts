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
] as const;

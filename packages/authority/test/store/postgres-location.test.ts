import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parsePostgresLocation } from "../../src/store/postgres-location.ts";

const verified = { rejectUnauthorized: true };

describe("parsePostgresLocation", () => {
  const good = [
    {
      location: "postgres://u:p%40ss@db.example.com:6432/auth",
      connection: { host: "db.example.com", port: 6432, user: "u", password: "p@ss", database: "auth", ssl: verified },
    },
    {
      location: "postgresql://db.example.com/auth",
      connection: { host: "db.example.com", database: "auth", ssl: verified },
    },
    { location: "postgres://localhost/auth", connection: { host: "localhost", database: "auth", ssl: false } },
    { location: "postgres://127.0.0.1/auth", connection: { host: "127.0.0.1", database: "auth", ssl: false } },
    { location: "postgres://[::1]:5433/auth", connection: { host: "::1", port: 5433, database: "auth", ssl: false } },
    {
      location: "postgres:///auth?host=/var/run/postgresql",
      connection: { host: "/var/run/postgresql", database: "auth", ssl: false },
    },
    {
      location: "postgres://localhost/auth?sslmode=verify-full",
      connection: { host: "localhost", database: "auth", ssl: verified },
    },
    { location: "postgres://db/auth?sslmode=disable", connection: { host: "db", database: "auth", ssl: false } },
  ];
  for (const { location, connection } of good) {
    it(`reads ${location}`, () => {
      assert.deepEqual(parsePostgresLocation(location), { connection, schema: "countersign", pooled: false });
    });
  }

  it("reads the schema and the pooler", () => {
    const place = parsePostgresLocation("postgres://localhost/a?schema=other_1&pooler=transaction");
    assert.deepEqual([place.schema, place.pooled], ["other_1", true]);
  });

  const bad = [
    { query: "sslmode=require", expect: /sslmode is require; it must be verify-full or disable/ },
    { query: "sslmode=verify-ca", expect: /sslmode is verify-ca/ },
    { query: "sslmode=no-verify", expect: /sslmode is no-verify/ },
    { query: "sslrootcert=/nowhere&sslmode=verify-full", expect: /sslrootcert cannot be read: \/nowhere/ },
    { query: "schema=a%22b", expect: /schema must be/ },
    { query: `schema=${"s".repeat(64)}`, expect: /schema must be/ },
    { query: "pooler=session", expect: /pooler must be transaction/ },
    { query: "ssl=true", expect: /no parameter ssl, only host, schema/ },
  ];
  for (const { query, expect } of bad) {
    it(`refuses ${query.slice(0, 40)} and tells no password`, () => {
      const read = () => parsePostgresLocation(`postgres://u:hunter2@db.example.com/auth?${query}`);
      assert.throws(read, (error) => {
        return error instanceof RangeError && expect.test(error.message) && !error.message.includes("hunter2");
      });
    });
  }

  for (const location of [
    "postgres:",
    "postgres:db",
    "postgres:/db",
    "postgres://u:hunter2@h:99999/db",
    "postgres://%ff/db",
  ]) {
    it(`refuses ${location}`, () => {
      assert.throws(
        () => parsePostgresLocation(location),
        (error) => {
          return error instanceof RangeError && !error.message.includes("hunter2");
        },
      );
    });
  }
});

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createMetrics } from "@countersign/authority";
import { eventTable } from "../../src/audit/events.ts";

const page = readFileSync(new URL("../../../../docs/operations.md", import.meta.url), "utf8");
const sources = join(import.meta.dirname, "../../src");

/** The cells of the rows of the table with this heading. */
function rowsUnder(heading: string): readonly (readonly string[])[] {
  const table = page.slice(page.indexOf(`| ${heading} |`)).split("\n\n")[0] ?? "";
  return table
    .split("\n")
    .slice(2)
    .map((row) => row.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "")));
}

function noticed(): ReadonlySet<string> {
  const files = readdirSync(sources, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const texts = files.map((name) => readFileSync(join(sources, name), "utf8"));
  return new Set(texts.flatMap((text) => [...text.matchAll(/\.notice\(\s*"([^"]+)"/g)].map(([, name = ""]) => name)));
}

describe("docs/operations.md", () => {
  const events = rowsUnder("event");

  it("names every event, and no other", () => {
    assert.deepEqual(
      events.map(([name]) => name).sort(),
      Object.keys(eventTable)
        .map((name) => `\`${name}\``)
        .sort(),
    );
  });

  it("says which events are not in the trail", () => {
    const notInTrail = events.filter(([, inTrail]) => inTrail === "no").map(([name = ""]) => name.replaceAll("`", ""));
    assert.deepEqual(notInTrail.sort(), [...noticed()].sort());
  });

  it("names every metric of the authority, in the table and in the alerts", async () => {
    const { text } = await createMetrics({ passwordQueue: () => 0 }).exposition();
    const there = [...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name = ""]) => name);
    const tabled = rowsUnder("metric").flatMap(([cell = ""]) => cell.match(/\bcountersign_\w+/g) ?? []);
    assert.deepEqual(tabled.sort(), there.sort());
    const alerts = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
    const alerted = alerts.match(/\bcountersign_\w+/g) ?? [];
    assert.ok(alerted.length > 0);
    for (const name of alerted) assert.ok(there.includes(name.replace(/_(bucket|count|sum)$/, "")), name);
    const names = [...alerts.matchAll(/event="([^"]+)"/g)].map(([, name = ""]) => name);
    assert.ok(names.length > 0);
    for (const name of names) assert.ok(Object.hasOwn(eventTable, name), name);
  });
});

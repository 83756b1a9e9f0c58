import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { runScript } from "./run-script.ts";

const folder = new URL("./scripts/", import.meta.url);

describe("countersign", () => {
  for (const name of readdirSync(folder)) {
    it(`behaves as ${name} says`, () => runScript(readFileSync(new URL(name, folder), "utf8")));
  }
});

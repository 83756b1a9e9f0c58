import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { commands } from "../src/commands/index.ts";
import { nearest } from "../src/nearest.ts";
import { settingRows } from "../src/settings-schema.ts";
import { variableOf } from "../src/settings-sources.ts";

const paths = settingRows().map(({ path }) => path);
const variables = paths.map(variableOf);
const settings = paths.map((path) => path.join("."));
const names = commands.map(({ name }) => name);

describe("nearest", () => {
  for (const { word, among, expect } of [
    { word: "COUNTERSIGN_TOKEN_ACCESS_TTL", among: variables, expect: "COUNTERSIGN_TOKENS_ACCESS_TTL" },
    { word: "COUNTERSIGN_LISTNE", among: variables, expect: "COUNTERSIGN_LISTEN" },
    { word: "COUNTERSIGN_FOO_BAR", among: variables, expect: undefined },
    { word: "COUNTERSIGN_FOO", among: variables, expect: undefined },
    { word: "registration.mod", among: settings, expect: "registration.mode" },
    { word: "registration.foo", among: settings, expect: undefined },
    { word: "client updat", among: names, expect: "client update" },
    { word: "client frob", among: names, expect: undefined },
    { word: "serv", among: names, expect: "serve" },
    { word: "frobnicate", among: names, expect: undefined },
  ]) {
    it(`${word} means ${expect}`, () => assert.equal(nearest(word, among), expect));
  }
});

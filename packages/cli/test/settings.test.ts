import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { configTemplate } from "../src/config-template.ts";
import { loadSettings } from "../src/settings.ts";
import { settingRows } from "../src/settings-schema.ts";
import { type SettingTree, valueAt, variableOf } from "../src/settings-sources.ts";
import { lineOfSetting, parseToml } from "../src/toml.ts";

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "countersign-settings-"));
});
after(() => rm(directory, { recursive: true }));

async function load(file: string, env: Readonly<Record<string, string>> = {}, flags: SettingTree = {}) {
  const path = join(directory, "countersign.toml");
  await writeFile(path, file);
  return loadSettings({ path, env, flags });
}

describe("loadSettings", () => {
  const rows: readonly {
    readonly id: string;
    readonly file?: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly flags?: SettingTree;
    readonly path: readonly string[];
    readonly expect: unknown;
  }[] = [
    { id: "default", path: ["listen"], expect: "localhost:8080" },
    { id: "default in a section", path: ["tokens", "access_ttl"], expect: 900 },
    { id: "file over default", file: "[tokens]\naccess_ttl = 60", path: ["tokens", "access_ttl"], expect: 60 },
    {
      id: "environment over file",
      file: "[tokens]\naccess_ttl = 60",
      env: { COUNTERSIGN_TOKENS_ACCESS_TTL: "70" },
      path: ["tokens", "access_ttl"],
      expect: 70,
    },
    {
      id: "flag over environment",
      file: 'listen = "localhost:1"',
      env: { COUNTERSIGN_LISTEN: "localhost:2" },
      flags: { listen: "localhost:3" },
      path: ["listen"],
      expect: "localhost:3",
    },
    {
      id: "a flag of a section leaves the rest of the section",
      file: '[compat]\njwt_issuer_client = "ci"',
      flags: { compat: { faces: ["jwt-issuer"] } },
      path: ["compat"],
      expect: { faces: ["jwt-issuer"], jwt_issuer_client: "ci", sts_client: "sts" },
    },
    {
      id: "a list from the environment",
      env: { COUNTERSIGN_SERVER_TRUSTED_PROXIES: "10.0.0.1, 10.0.0.2" },
      path: ["server", "trusted_proxies"],
      expect: ["10.0.0.1", "10.0.0.2"],
    },
    {
      id: "a list of the environment replaces that of the file",
      file: '[server]\ntrusted_proxies = ["10.0.0.9"]',
      env: { COUNTERSIGN_SERVER_TRUSTED_PROXIES: "10.0.0.1" },
      path: ["server", "trusted_proxies"],
      expect: ["10.0.0.1"],
    },
    {
      id: "a boolean from the environment",
      env: { COUNTERSIGN_SERVER_OPEN_METRICS: "true" },
      path: ["server", "open_metrics"],
      expect: true,
    },
    { id: "an empty variable is none", env: { COUNTERSIGN_DATA: "" }, path: ["data"], expect: "./data" },
  ];
  for (const { id, file = "", env = {}, flags = {}, path, expect } of rows) {
    it(id, async () => assert.deepEqual(valueAt((await load(file, env, flags)).settings, path), expect));
  }

  it("names the file by COUNTERSIGN_CONFIG when no flag does", async () => {
    const path = join(directory, "named.toml");
    await writeFile(path, 'data = "named"');
    assert.equal(loadSettings({ env: { COUNTERSIGN_CONFIG: path } }).settings.data, "named");
  });

  for (const [name, warned] of [
    ["COUNTERSIGN_TOKEN_ACCESS_TTL", true],
    ["COUNTERSIGN_PASSWORD", false],
    ["COUNTERSIGN_PORT_8080_TCP_ADDR", false],
    ["COUNTERSIGN_SERVICE_HOST", false],
    ["PATH", false],
  ] as const) {
    it(`${warned ? "warns of" : "says nothing of"} the variable ${name}`, async () => {
      assert.equal((await load("", { [name]: "1" })).warnings.length, warned ? 1 : 0);
    });
  }
});

describe("settingRows", () => {
  it("names every member once, each with a variable of its own and an explanation", () => {
    const rows = settingRows();
    const variables = rows.map(({ path }) => variableOf(path));
    assert.equal(new Set(variables).size, rows.length);
    assert.deepEqual(
      rows.filter(({ description }) => description === ""),
      [],
    );
    assert.ok(variables.includes("COUNTERSIGN_LIMITS_LOGIN_ATTEMPTS"));
  });
});

describe("configTemplate", () => {
  const defaults = (text: string) => loadSettings({ path: text, env: {} }).settings;

  it("changes nothing as written", async () => {
    const path = join(directory, "template.toml");
    await writeFile(path, configTemplate());
    assert.deepEqual(defaults(path), loadSettings({ env: {} }).settings);
  });

  it("is valid and changes nothing when every line that has a default is uncommented", async () => {
    const path = join(directory, "uncommented.toml");
    const withoutDefault =
      /^# (?:issuer|key_file|cert|key|ca|client_ca|client_crl|jwt_issuer_client|component|file|url) = .*$/gm;
    await writeFile(
      path,
      configTemplate()
        .replace(withoutDefault, "")
        .replace(/^# (\w+ = )/gm, "$1"),
    );
    assert.deepEqual(defaults(path), loadSettings({ env: {} }).settings);
  });
});

describe("lineOfSetting", () => {
  const text = [
    'listen = "x"',
    "",
    "[tokens]",
    "# access_ttl = 1",
    "access_ttl = 2",
    "[ keys ]",
    "rotate_every=3",
    "limits.body_bytes = 4",
  ].join("\n");
  for (const [path, line] of [
    [["listen"], 1],
    [["tokens", "access_ttl"], 5],
    [["tokens", "audience"], 3],
    [["keys", "rotate_every"], 7],
    [["keys", "limits", "body_bytes"], 8],
    [["absent"], 1],
  ] as const) {
    it(`finds ${path.join(".")} on line ${line}`, () => assert.equal(lineOfSetting(text, path), line));
  }
});

describe("parseToml", () => {
  it("names line and column of what is no TOML", () => {
    assert.throws(() => parseToml("a = 1\nb = = 2", "x.toml"), /^CliFailure: x\.toml:2:\d+: /);
  });
});

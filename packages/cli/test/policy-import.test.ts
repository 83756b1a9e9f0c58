import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { compilePolicy, decide, type Policy, type PolicyRequest, readPolicy } from "@countersign/authority";
import { parse } from "smol-toml";
import { loadPolicy } from "../src/policy-files.ts";
import { policyToml } from "../src/policy-text.ts";
import { run } from "./script-world.ts";

const repository = join(import.meta.dirname, "../../..");
const published = join(process.env.COUNTERSIGN_VECTORS ?? join(repository, "../shared/vectors"), "hessra");

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-import-"));
});
after(() => rm(folder, { recursive: true }));

const right = (subject: string, resource: string, operation: string): PolicyRequest => ({
  kind: "authorization",
  subject,
  resource,
  operation,
});

/** Imports tables, and reads what was printed. */
async function imported(tables: Readonly<Record<string, string>>): Promise<Policy> {
  const paths: string[] = [];
  for (const [name, text] of Object.entries(tables)) {
    const path = join(folder, name);
    await writeFile(path, text);
    paths.push(path);
  }
  const { stdout, stderr, exitCode } = await run(["policy", "import", ...paths]);
  assert.deepEqual([exitCode, stderr], [0, ""]);
  return compilePolicy(readPolicy(parse(stdout)));
}

interface Row {
  readonly id: string;
  readonly tables: Readonly<Record<string, string>>;
  /** Requests as subject, resource and operation; and whether they are allowed. */
  readonly expect: readonly (readonly [string, string, string, boolean])[];
}

const rows: readonly Row[] = [
  {
    id: "0.2.0: resources with operations, certificates of a chain",
    tables: {
      "clients.toml": `version = "0.2.0"
[cacerts]
cert_chain = '''-----BEGIN CERTIFICATE-----
MIIB
-----END CERTIFICATE-----
-----BEGIN CERTIFICATE-----
MIIC
-----END CERTIFICATE-----'''
[[clients]]
identifier = { type = "san_uri", value = "uri:urn:test:argo-cli0" }
resources = [ { name = "resource1", operations = ["read"] }, { name = "resource4", operations = ["read", "write"] } ]
[[clients]]
identifier = { type = "san_uri", value = "uri:urn:test:argo-cli0:agent1" }
resources = [ { name = "resource4", operations = ["read"] } ]
`,
    },
    expect: [
      ["uri:urn:test:argo-cli0", "resource1", "read", true],
      ["uri:urn:test:argo-cli0", "resource1", "write", false],
      ["uri:urn:test:argo-cli0:agent1", "resource4", "read", true],
      ["uri:urn:test:argo-cli0:agent1", "resource4", "write", false],
      ["uri:urn:test:argo-cli0:agent2", "resource4", "read", false],
      ["uri:urn:test:argo-cli", "resource4", "read", false],
      ["urn:test:argo-cli0", "resource1", "read", false],
    ],
  },
  {
    id: "0.1.0: resources by their name alone",
    tables: {
      "clients.toml": `version = "0.1.0"
[[clients]]
identifier = { type = "san_uri", value = "uri:urn:test:argo-cli1" }
resources = ["resource2", "resource3"]
`,
    },
    expect: [
      ["uri:urn:test:argo-cli1", "resource2", "read", true],
      ["uri:urn:test:argo-cli1", "resource2", "write", true],
      ["uri:urn:test:argo-cli1", "resource2", "delete", false],
      ["uri:urn:test:argo-cli1", "resource1", "read", false],
    ],
  },
  {
    id: "a client that is known by a pattern of host names",
    tables: {
      "clients.toml": `version = "0.2.0"
[[clients]]
identifier = { type = "san_dns", value = "worker-*.internal.com" }
resources = [ { name = "jobs", operations = ["take"] } ]
`,
    },
    expect: [
      ["worker-7.internal.com", "jobs", "take", true],
      ["worker-7.evil.internal.com", "jobs", "take", false],
      ["worker-7xinternalxcom", "jobs", "take", false],
      ["worker-.internal.com", "jobs", "take", false],
    ],
  },
  {
    id: "resources.toml alone allows nothing",
    tables: {
      "resources.toml": `version = "0.1.0"
[resources.resource4]
type = "service_chain"
nodes = [
  # in strict order from first to last
  { component = "edge_function", public_key = "ed25519/9c3e8f10e0e8eeef1db086915a15a590e7d838683841719b5e70ddab2115b826" },
]
`,
    },
    expect: [["uri:urn:test:argo-cli0", "resource4", "read", false]],
  },
];

describe("countersign policy import", () => {
  for (const { id, tables, expect } of rows) {
    it(`reads ${id}`, async () => {
      const policy = await imported(tables);
      for (const [subject, resource, operation, allowed] of expect) {
        const decision = decide(policy, right(subject, resource, operation));
        assert.equal(decision.allowed, allowed, `${subject} ${resource} ${operation}`);
      }
    });
  }

  it("leaves the scopes of JWTs to client and user", async () => {
    const policy = await imported(rows[0]?.tables ?? {});
    assert.ok(decide(policy, { kind: "access_token", subject: "alice", scope: "read" }).allowed);
  });

  const missing = !existsSync(join(published, "clients.toml")) && "the published tables are not here";
  it("says what the published tables say, and check finds nothing in it", { skip: missing }, async () => {
    const { stdout } = await run(["policy", "import", published]);
    const policy = compilePolicy(readPolicy(parse(stdout)));
    assert.equal(policy.hash, loadPolicy(published).policy.hash);
    const chainOf = (subject: string) => {
      const decision = decide(policy, right(subject, "order_service", "read"));
      return decision.allowed ? decision.conditions.chain.map(({ component }) => component) : [];
    };
    assert.deepEqual(chainOf("uri:urn:test:argo-cli0"), ["auth_service", "payment_service", "order_service"]);
    assert.equal(decide(policy, right("uri:urn:test:argo-cli1", "resource1", "read")).allowed, false);
    const path = join(folder, "imported.toml");
    await writeFile(path, stdout);
    assert.equal((await run(["policy", "check", path, "--strict"])).exitCode, 0);
  });

  it("refuses what the tables cannot mean, naming its place", async () => {
    const path = join(folder, "wrong.toml");
    await writeFile(path, 'version = "0.3.0"\n[[clients]]\nidentifier = { type = "san_ip", value = "::1" }\n');
    const { exitCode, stderr } = await run(["policy", "import", path]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /wrong\.toml:1: version must be "0\.1\.0" or "0\.2\.0"/);
    assert.match(stderr, /clients\[0\]\.identifier/);
  });
});

describe("policyToml", () => {
  it("prints a document that reads as the same, whatever it holds", () => {
    const key = "ed25519/9c3e8f10e0e8eeef1db086915a15a590e7d838683841719b5e70ddab2115b826";
    const document = readPolicy({
      format: "countersign-policy/1",
      version: 3,
      scopes_need_rule: true,
      lifetimes: { authorization: 60 },
      roles: { member: {}, chief: { includes: ["member"], external: true }, effect: {} },
      subjects: [
        { id: "urn:a", delegation: { depth: 2 } },
        { pattern: 'w-"\\\\.+', roles: ["member"] },
      ],
      realms: [{ id: "urn:shop" }],
      components: { "édge.1": { public_key: key }, edge: { public_key: key } },
      resources: {
        plain: {},
        pay: { chain: ["edge"], signoffs: [{ component: "x", public_key: key, operations: ["p"] }] },
      },
      rules: [
        { effect: "deny", subject_pattern: ".+", scopes: ["s"], audiences: ["https://a"] },
        {
          subjects: ["urn:a"],
          kinds: ["authorization", "signoff"],
          resources: ["pay"],
          operations: ["p"],
          lifetime: 9,
        },
      ],
    });
    assert.deepEqual(readPolicy(parse(policyToml(document))), document);
  });
});

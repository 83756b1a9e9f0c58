import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { KeyPair } from "@countersign/biscuit";
import {
  type ConfigPorts,
  Countersign,
  type CountersignConfig,
  configFromEnv,
  configFromEnvOrFile,
  configFromFile,
  resolveConfig,
  SdkError,
} from "../src/index.ts";
import { testTls } from "./support/tls.ts";

const tls = testTls();
const pair = await KeyPair.generate();
const publicKey = pair.publicKey.toPem();
const personalKeypair = pair.privateKey.revealPem(pair.publicKey);
const minimal = { baseUrl: "id.example.com", serverCa: tls.ca };
const whole = {
  ...minimal,
  mtlsCert: tls.client.cert,
  mtlsKey: tls.client.key,
  publicKey,
  personalKeypair,
};

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** A file system of these files, and nothing of this machine. */
function ports(env: Record<string, string>, files: Record<string, string> = {}): ConfigPorts {
  return {
    env,
    configFolder: "/home/config",
    readFile: async (path) => files[path] ?? Promise.reject(Object.assign(new Error("no file"), { code: "ENOENT" })),
  };
}

const failsWith = (code: string, message: RegExp | string) => (error: unknown) => {
  assert.ok(error instanceof SdkError);
  assert.equal(error.code, code);
  if (typeof message === "string") assert.equal(error.message, message);
  else assert.match(error.message, message);
  assert.ok(error.hint.length > 10);
  return true;
};

const P = "Configuration error: ";
const faults: readonly (readonly [name: string, config: Partial<CountersignConfig>, code: string, message: string])[] =
  [
    ["nothing", {}, "missing_base_url", `${P}Base URL is required but was not provided`],
    [
      "an empty base URL",
      { ...minimal, baseUrl: "" },
      "missing_base_url",
      `${P}Base URL is required but was not provided`,
    ],
    [
      "no server CA",
      { baseUrl: "a" },
      "missing_server_ca",
      `${P}Server CA certificate is required but was not provided`,
    ],
    [
      "no server CA before the pair",
      { baseUrl: "a", mtlsKey: "k" },
      "missing_server_ca",
      `${P}Server CA certificate is required but was not provided`,
    ],
    [
      "a key alone",
      { ...minimal, mtlsKey: tls.client.key },
      "missing_certificate",
      `${P}mTLS certificate is required but was not provided`,
    ],
    [
      "a certificate alone",
      { ...minimal, mtlsCert: tls.client.cert },
      "missing_key",
      `${P}mTLS key is required but was not provided`,
    ],
    [
      "port 0",
      { ...minimal, port: 0 },
      "invalid_port",
      `${P}Invalid port number. Port must be a valid number between 1-65535`,
    ],
    [
      "a port in the address",
      { ...minimal, baseUrl: "a:65536" },
      "invalid_port",
      `${P}Invalid port number. Port must be a valid number between 1-65535`,
    ],
    [
      "a certificate that is a path",
      { ...whole, mtlsCert: "/a.pem" },
      "invalid_certificate",
      `${P}Invalid certificate format: Client certificate does not appear to be in PEM format`,
    ],
    [
      "a key that is a path",
      { ...whole, mtlsKey: "/a.key" },
      "invalid_certificate",
      `${P}Invalid certificate format: Client key does not appear to be in PEM format`,
    ],
    [
      "a CA that is a path",
      { ...whole, serverCa: "/ca.pem" },
      "invalid_certificate",
      `${P}Invalid certificate format: Server CA certificate does not appear to be in PEM format`,
    ],
    [
      "a certificate as public key",
      { ...whole, publicKey: tls.ca },
      "invalid_certificate",
      `${P}Invalid certificate format: Server public key does not appear to be in PEM format`,
    ],
    [
      "a key pair that is none",
      { ...whole, personalKeypair: "ed25519" },
      "invalid_certificate",
      `${P}Invalid certificate format: Personal keypair does not appear to be in PEM format`,
    ],
    [
      "a public key that cannot be read",
      { ...whole, publicKey: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n" },
      "invalid_certificate",
      `${P}Invalid certificate format: Server public key is no Ed25519 or P-256 key that can be read`,
    ],
    [
      "HTTP/3",
      { ...minimal, protocol: "http3" },
      "unsupported_protocol",
      `${P}HTTP/3 is not available in this runtime`,
    ],
    [
      "a user in the address",
      { ...minimal, baseUrl: "https://me@a" },
      "invalid_base_url",
      `${P}Base URL is not a host`,
    ],
  ];

describe("a configuration", () => {
  for (const [name, config, code, message] of faults) {
    it(`is refused with ${name}`, () => assert.throws(() => resolveConfig(config), failsWith(code, message)));
  }

  it("has defaults, and takes the port of the address after an explicit one", () => {
    assert.equal(resolveConfig(minimal).port, 443);
    assert.equal(resolveConfig(minimal).protocol, "http1");
    assert.equal(resolveConfig({ ...minimal, baseUrl: "https://id.example.com:8443/x" }).port, 8443);
    assert.equal(resolveConfig({ ...minimal, baseUrl: "id.example.com:8443", port: 9443 }).port, 9443);
  });

  it("shows no private key where it is printed or serialised, and still has them", () => {
    const config = resolveConfig(whole);
    const shown = inspect(config, { depth: 9 }) + JSON.stringify(config);
    assert.ok(!shown.includes("PRIVATE KEY"));
    assert.equal(config.mtlsKey, tls.client.key);
    assert.equal(config.personalKeypair, personalKeypair);
  });

  it("is refused when certificate and key do not belong together", () => {
    const mixed = { ...whole, mtlsKey: tls.server.key };
    assert.throws(() => new Countersign(mixed), failsWith("ssl_config", /^SSL configuration error: /));
  });
});

const files = {
  "/etc/c.json": JSON.stringify({
    base_url: "json.example",
    port: 8443,
    server_ca: tls.ca,
    protocol: "Http2",
    other: 1,
  }),
  "/etc/c.toml": `base_url = "toml.example"\nserver_ca = """\n${tls.ca}"""\n`,
  "/etc/list.json": "[]",
  "/etc/port.json": JSON.stringify({ base_url: "a", port: "8443" }),
  "/etc/number.json": JSON.stringify({ base_url: 7 }),
  "/etc/secret.json": `{"mtls_key": "-----BEGIN SECRET`,
  "/etc/secret.toml": `mtls_key = "-----BEGIN SECRET\n`,
};

describe("a configuration in a file", () => {
  it("is JSON, or TOML by its name, and unknown members are ignored", async () => {
    const json = await configFromFile("/etc/c.json", ports({}, files));
    assert.deepEqual([json.baseUrl, json.port, json.protocol], ["json.example", 8443, "http2"]);
    const toml = await configFromFile("/etc/c.toml", ports({}, files));
    assert.deepEqual([toml.baseUrl, toml.port, toml.protocol], ["toml.example", 443, "http1"]);
  });

  const bad: readonly (readonly [path: string, code: string, message: RegExp])[] = [
    [
      "/etc/none.json",
      "io_error",
      /^Configuration error: I\/O error occurred while reading configuration: ENOENT: \/etc/,
    ],
    [
      "/etc/list.json",
      "parse_error",
      /^Configuration error: Failed to parse configuration data: the text is not an object/,
    ],
    ["/etc/port.json", "invalid_port", /^Configuration error: Invalid port number/],
    ["/etc/number.json", "parse_error", /base_url is not a string$/],
    ["/etc/secret.json", "parse_error", /the text is no JSON$/],
    ["/etc/secret.toml", "parse_error", /the text is no TOML at line 1, column \d+$/],
  ];
  for (const [path, code, message] of bad) {
    it(`is refused: ${path}`, () => assert.rejects(configFromFile(path, ports({}, files)), failsWith(code, message)));
  }
});

const env = { CS_BASE_URL: "env.example", CS_SERVER_CA: base64(tls.ca) };

describe("a configuration in the environment", () => {
  it("has PEM texts in base64, as they are, or in files", async () => {
    const {
      mtlsCert,
      mtlsKey,
      publicKey: key,
    } = await configFromEnv(
      "CS",
      ports(
        {
          ...env,
          CS_MTLS_CERT: tls.client.cert,
          CS_MTLS_KEY_FILE: "/key",
          CS_PUBLIC_KEY: base64(publicKey),
          CS_PORT: "8443",
        },
        { "/key": tls.client.key },
      ),
    );
    assert.deepEqual([mtlsCert, mtlsKey, key], [tls.client.cert, tls.client.key, publicKey]);
  });

  it("reads a file only where the variable itself is not set", async () => {
    const both = ports({ ...env, CS_SERVER_CA: "", CS_SERVER_CA_FILE: "/ca" }, { "/ca": tls.ca });
    await assert.rejects(configFromEnv("CS", both), failsWith("missing_server_ca", /Server CA/));
  });

  it("reads the protocol in any case", async () => {
    assert.equal((await configFromEnv("CS", ports({ ...env, CS_PROTOCOL: "HTTP2" }))).protocol, "http2");
  });

  const bad: readonly (readonly [more: Record<string, string>, code: string, message: RegExp])[] = [
    [{ CS_PORT: "" }, "invalid_port", /1-65535$/],
    [{ CS_PORT: "0x50" }, "invalid_port", /1-65535$/],
    [{ CS_PORT: "0" }, "invalid_port", /1-65535$/],
    [{ CS_PROTOCOL: "spdy" }, "parse_error", /Failed to parse configuration data: Invalid protocol: spdy$/],
    [{ CS_SERVER_CA: "not base64!" }, "env_var_error", /CS_SERVER_CA is neither base64 nor PEM$/],
    [{ CS_PUBLIC_KEY_FILE: "/none" }, "io_error", /ENOENT: \/none$/],
  ];
  for (const [more, code, message] of bad) {
    it(`is refused with ${JSON.stringify(more)}`, () =>
      assert.rejects(configFromEnv("CS", ports({ ...env, ...more })), failsWith(code, message)));
  }
});

const json = (host: string): string => JSON.stringify({ base_url: host, server_ca: tls.ca });
const userFile = join("/home/config", "cs", "config.json");

describe("the search for a configuration", () => {
  const found: readonly (readonly [expected: string, env: Record<string, string>, files: Record<string, string>])[] = [
    ["env.example", { ...env, CS_CONFIG_FILE: "/named" }, { "/named": json("named") }],
    ["named", { CS_CONFIG_FILE: "/named" }, { "/named": json("named"), "./cs.json": json("here") }],
    ["named", { CS_BASE_URL: "incomplete", CS_CONFIG_FILE: "/named" }, { "/named": json("named") }],
    ["here", {}, { "./cs.json": json("here"), [userFile]: json("user") }],
    ["user", {}, { [userFile]: json("user") }],
  ];
  for (const [expected, variables, texts] of found) {
    it(`finds ${expected} with ${Object.keys({ ...variables, ...texts })}`, async () => {
      assert.equal((await configFromEnvOrFile("CS", ports(variables, texts))).baseUrl, expected);
    });
  }

  const lost: readonly (readonly [code: string, env: Record<string, string>, files: Record<string, string>])[] = [
    ["missing_base_url", {}, {}],
    ["invalid_port", { ...env, CS_PORT: "x" }, { "./cs.json": json("here") }],
    ["io_error", { CS_CONFIG_FILE: "/none" }, { "./cs.json": json("here") }],
    ["parse_error", {}, { "./cs.json": "{", [userFile]: json("user") }],
  ];
  for (const [code, variables, texts] of lost) {
    it(`ends with ${code} at ${Object.keys({ ...variables, ...texts })}`, () =>
      assert.rejects(configFromEnvOrFile("CS", ports(variables, texts)), failsWith(code, /./)));
  }
});

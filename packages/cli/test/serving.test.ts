import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { run, start } from "./script-world.ts";

/** For localhost, of the year 2020. */
const expired = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBSzCB8aADAgECAgEBMAoGCCqGSM49BAMCMBIxEDAOBgNVBAMMB2V4cGlyZWQw
HhcNMjAwMTAxMDAwMDAwWhcNMjEwMTAxMDAwMDAwWjASMRAwDgYDVQQDDAdleHBp
cmVkMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEyj5Bdk5R89iZ5FQKsF5vYY+q
oR7G9JMtlJFK8fk/l8oT1z4tIA/4KsSMoCyXPaklwEKXBkRiKbtDijvrymfU76M4
MDYwCQYDVR0TBAIwADATBgNVHSUEDDAKBggrBgEFBQcDATAUBgNVHREEDTALggls
b2NhbGhvc3QwCgYIKoZIzj0EAwIDSQAwRgIhALmXqbG9/d6T2mEcaQX6dEcDtBNQ
obWydlWPIdxa4htYAiEAzwQCOxneidjcBRy1LfKK9x6EMyKIg3pNae+PaOt1/nQ=
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgsmJ4zyQ54q07dLse
3tzR1C3A+RGWOD7SkAIUuNm1afGhRANCAATKPkF2TlHz2JnkVAqwXm9hj6qhHsb0
ky2UkUrx+T+XyhPXPi0gD/gqxIygLJc9qSXAQpcGRGIpu0OKO+vKZ9Tv
-----END PRIVATE KEY-----
`,
};

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "countersign-serving-"));
  await writeFile(join(directory, "nothing.pem"), "nothing");
  await writeFile(join(directory, "expired.pem"), expired.cert);
  await writeFile(join(directory, "expired-key.pem"), expired.key);
});
after(() => rm(directory, { recursive: true }));

interface Row {
  readonly id: string;
  readonly file?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly words?: readonly string[];
  readonly expect: RegExp;
}

const refused: readonly Row[] = [
  {
    id: "an authority of the server that is no certificate",
    words: ["--tls-ca", "expired-key.pem"],
    expect: /there is no certificate in the file: .*expired-key\.pem/,
  },
  {
    id: "a scope that holds a space",
    file: '[registration]\nscopes = ["read", "a b"]',
    expect: /serving\.toml:2: registration\.scopes\.1 must be a scope-token \(RFC 6749 section 3\.3\): "a b"/,
  },
  {
    id: "an audience that holds a space",
    file: '[tokens]\naudience = ["a b"]',
    expect: /serving\.toml:2: tokens\.audience\.0 must be 1 to 512 characters without white space: "a b"/,
  },
  {
    id: "a client that cannot be",
    file: '[compat]\njwt_issuer_client = "a b"',
    expect: /serving\.toml:2: compat\.jwt_issuer_client must be a client id/,
  },
  {
    id: "an issuer with a password",
    file: 'issuer = "https://u:p@id.example"',
    expect: /serving\.toml:1: issuer must be/,
  },
  {
    id: "plain HTTP beyond loopback",
    file: 'listen = "0.0.0.0:0"',
    expect: /cannot serve plain HTTP.*--insecure-http/s,
  },
  {
    id: "every address as the issuer",
    words: ["--listen", "0.0.0.0:8080", "--insecure-http"],
    expect: /no issuer: .*0\.0\.0\.0:8080.*--issuer .* such as http:\/\/id\.example\.com:8080/s,
  },
  {
    id: "every address of IPv6 as the issuer",
    words: ["--listen", "[::]:8080", "--insecure-http"],
    expect: /no issuer: .*--issuer/s,
  },
  { id: "an address that is none", file: 'listen = "here"', expect: /cannot listen at: here/ },
  {
    id: "a certificate that is none",
    words: ["--tls-cert", "nothing.pem", "--tls-key", "nothing.pem"],
    expect: /cannot serve TLS: the certificate cannot be read/,
  },
  { id: "a key file that holds no key", words: ["--key-file", "nothing.pem"], expect: /cannot sign with the key file/ },
  {
    id: "a data directory that is a file",
    words: ["--data", "nothing.pem"],
    expect: /the data directory is no directory/,
  },
  { id: "a key that is none", env: { COUNTERSIGN_KEY: "short" }, expect: /COUNTERSIGN_KEY is not a key/ },
];

/** The words of both commands, with the files of a row in the directory of this test. */
async function wordsOf({ file = "", words = [] }: Pick<Row, "file" | "words">, data: string) {
  const path = join(directory, "serving.toml");
  await writeFile(path, file);
  const placed = words.map((word) => (word.endsWith(".pem") ? join(directory, word) : word));
  return ["--config", path, ...(placed.includes("--data") ? [] : ["--data", data]), ...placed];
}

describe("config check and serve", () => {
  for (const row of refused) {
    it(`refuse ${row.id} with the same words, before anything is made`, async () => {
      const data = join(directory, "data");
      const words = await wordsOf(row, data);
      const checked = await run(["config", "check", ...words], row.env ?? {});
      assert.match(checked.stderr, row.expect);
      assert.notEqual(checked.exitCode, 0);
      assert.deepEqual(await run(["serve", ...words], row.env ?? {}), checked);
      assert.equal(existsSync(data), false);
    });
  }

  const warned: readonly Row[] = [
    {
      id: "an issuer with a slash that verifiers will not be given",
      words: ["--listen", "localhost:0", "--issuer", "https://id.example.com/"],
      expect: /^countersign: warning: the issuer ends with a slash.*: https:\/\/id\.example\.com\/$/m,
    },
    {
      id: "keys that rotate more slowly than they are told to",
      file: "[keys]\nrotate_every = 90\npublish_before = 60\njwks_max_age = 20",
      words: ["--listen", "localhost:0"],
      expect: /^countersign: warning: keys\.rotate_every is 90, but keys sign for 260 seconds.*$/m,
    },
    {
      id: "registration that makes everybody an administrator",
      file: '[registration]\nmode = "open"\nscopes = ["superuser"]',
      words: ["--listen", "localhost:0"],
      expect: /^countersign: warning: whoever registers is an administrator.*$/m,
    },
    {
      id: "a face that refuses everybody",
      file: '[compat]\nfaces = ["jwt-issuer"]\n[server]\nloopback_privileges = false',
      words: ["--listen", "localhost:0"],
      expect: /^countersign: warning: \/auth\/token refuses everybody.*$/m,
    },
    {
      id: "a certificate that has expired",
      words: ["--listen", "localhost:0", "--tls-cert", "expired.pem", "--tls-key", "expired-key.pem"],
      expect: /^countersign: warning: clients refuse the certificate of tls\.cert: it is not valid now$/m,
    },
    {
      id: "a client whose face is off",
      file: '[compat]\njwt_issuer_client = "ci"',
      words: ["--listen", "localhost:0"],
      expect: /^countersign: warning: compat\.jwt_issuer_client does nothing without the face.*$/m,
    },
  ];
  for (const row of warned) {
    it(`warn of ${row.id} with the same words`, async (context) => {
      const data = await mkdtemp(join(directory, "warned-"));
      const words = await wordsOf(row, data);
      const checked = await run(["config", "check", ...words]);
      assert.equal(checked.exitCode, 0, checked.stderr);
      const [warning] = row.expect.exec(checked.stderr) ?? [];
      assert.ok(warning, checked.stderr);
      const served = start(["serve", ...words], {});
      context.after(() => served.exitCode);
      await served.printed("listening");
      served.stop();
      assert.ok(served.stderr().includes(`${warning}\n`), served.stderr());
    });
  }
});

describe("serve with compat.jwt_issuer_client", () => {
  const warning = /^countersign: warning: compat\.jwt_issuer_client names (.+?): ci; until .+ refuses everybody$/m;

  it("warns while nobody can show its credential: unknown, without a secret, disabled", async () => {
    const data = join(directory, "issuer-client");
    const env = { COUNTERSIGN_COMPAT_JWT_ISSUER_CLIENT: "ci", COUNTERSIGN_LOG_LEVEL: "silent" };
    let password = "";
    /** Starts a server, changes something through it, and says what it warned of at its start. */
    const warnedBefore = async (...change: readonly string[]) => {
      const served = start(["serve", "--listen", "localhost:0", "--data", data, "--compat", "jwt-issuer"], env);
      await served.printed("listening at");
      const url = /listening at (\S+)/.exec(served.stdout())?.[1] ?? "";
      if (password === "") {
        await served.printed("admin password");
        password = /admin password: (\S+)/.exec(served.stdout())?.[1] ?? "";
      }
      const changed = await run(change, { COUNTERSIGN_URL: url, COUNTERSIGN_PASSWORD: password });
      assert.equal(changed.exitCode, 0, changed.stderr);
      served.stop();
      await served.exitCode;
      return warning.exec(served.stderr())?.[1];
    };
    assert.equal(await warnedBefore("client", "create", "--id", "ci", "--name", "ci"), "no client");
    assert.equal(await warnedBefore("client", "delete", "ci"), "a client without a secret");
    assert.equal(await warnedBefore("client", "create", "--id", "ci", "--name", "ci", "--credential"), "no client");
    assert.equal(await warnedBefore("client", "disable", "ci"), undefined);
    assert.equal(await warnedBefore("client", "enable", "ci"), "a disabled client");
    assert.equal(await warnedBefore("client", "list"), undefined);
  });
});

describe("serve with server.loopback_privileges off", () => {
  const warning = "countersign: warning: server.loopback_privileges is false, and every client is a loopback client";

  it("warns of a lockout until there is another client, whose secret then opens the management API", async () => {
    const data = join(directory, "lockout");
    const serve = ["serve", "--listen", "localhost:0", "--data", data];
    const off = { COUNTERSIGN_SERVER_LOOPBACK_PRIVILEGES: "false", COUNTERSIGN_LOG_LEVEL: "silent" };
    const words = "client create --id ops --name ops --grants client_credentials --scopes superuser --credential";

    const locked = start(serve, off);
    await locked.printed("admin password");
    const password = /admin password: (\S+)/.exec(locked.stdout())?.[1] ?? "";
    const env = (served: typeof locked) => ({
      COUNTERSIGN_URL: /listening at (\S+)/.exec(served.stdout())?.[1] ?? "",
      COUNTERSIGN_PASSWORD: password,
    });
    assert.equal((await run(words.split(" "), env(locked))).exitCode, 1);
    locked.stop();
    await locked.exitCode;
    assert.ok(locked.stderr().startsWith(warning), locked.stderr());

    const open = start(serve, { COUNTERSIGN_LOG_LEVEL: "silent" });
    await open.printed("listening at");
    const made = await run(words.split(" "), env(open));
    open.stop();
    await open.exitCode;
    const secret = /client secret: (\S+)/.exec(made.stdout)?.[1] ?? made.stderr;

    const closed = start(serve, off);
    await closed.printed("listening at");
    const token = await run(["token", "get", "--client-id", "ops", "--scope", "superuser"], {
      ...env(closed),
      COUNTERSIGN_CLIENT_SECRET: secret,
    });
    const listed = await run(["client", "list"], { ...env(closed), COUNTERSIGN_TOKEN: token.stdout.trim() });
    closed.stop();
    await closed.exitCode;
    assert.equal(listed.exitCode, 0, `${token.stderr}${listed.stderr}`);
    assert.equal(closed.stderr(), "");
  });
});

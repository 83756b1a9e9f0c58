import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { commands } from "../src/commands/index.ts";
import { run } from "./script-world.ts";

describe("the help", () => {
  const groups = new Set(commands.map(({ name }) => name.split(" ")[0] ?? ""));
  for (const words of ["", ...groups, ...commands.map(({ name }) => name)]) {
    it(`fits a terminal of 100 columns: ${words}`, async () => {
      const { exitCode, stdout } = await run([...words.split(" ").filter((word) => word !== ""), "--help"]);
      assert.equal(exitCode, 0);
      assert.deepEqual(
        stdout.split("\n").filter((line) => line.length > 100),
        [],
      );
    });
  }

  for (const columns of [80, 60, 40]) {
    it(`fits a terminal of ${columns} columns`, async () => {
      for (const words of [[], ...commands.map(({ name }) => name.split(" "))]) {
        const { stdout } = await run([...words, "--help"], {}, "", { columns });
        const [, body = ""] = stdout.split("\n\nusage:");
        const options = (body === "" ? stdout : body).split("\n").filter((line) => line.startsWith("  "));
        const tooLong = options.filter((line) => line.length > columns && /\s\S+\s+\S/.test(line.trimStart()));
        assert.deepEqual(
          tooLong.filter((line) => !/countersign |--tls-cert cert|--grants client_credentials --cred/.test(line)),
          [],
        );
      }
    });
  }

  for (const [words, same] of [
    [["-h"], ["--help"]],
    [["help"], ["--help"]],
    [
      ["help", "client"],
      ["client", "--help"],
    ],
    [
      ["client", "-h"],
      ["client", "--help"],
    ],
    [
      ["help", "client", "create"],
      ["client", "create", "--help"],
    ],
    [
      ["client", "create", "-h"],
      ["client", "create", "--help"],
    ],
    [["-v"], ["--version"]],
    [["version"], ["--version"]],
  ] as const) {
    it(`${words.join(" ")} is ${same.join(" ")}`, async () => {
      const expected = await run(same);
      assert.equal(expected.exitCode, 0);
      assert.deepEqual(await run(words), expected);
    });
  }

  it("says everything that it breaks into lines", async () => {
    const { stdout } = await run(["client", "create", "--help"]);
    const said = stdout.replace(/\s+/g, " ");
    assert.ok(
      said.includes(
        " --grants GRANT,… How it may get tokens: any of password, client_credentials, refresh_token, token-exchange, jwt-bearer ",
      ),
    );
    assert.ok(
      said.includes(
        " --auth-method METHOD How it proves who it is: one of none, client_secret_basic, client_secret_post, private_key_jwt, tls_client_auth, self_signed_tls_client_auth ",
      ),
    );
  });
});

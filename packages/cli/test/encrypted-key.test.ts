import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { run } from "./script-world.ts";

const directory = mkdtempSync(join(tmpdir(), "countersign-encrypted-"));
after(() => rmSync(directory, { recursive: true }));

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const plain = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const passphrase = "of the key";
const forms = {
  "PKCS #8": privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase }),
  "the older form of OpenSSL": privateKey.export({ type: "sec1", format: "pem", cipher: "aes-256-cbc", passphrase }),
};

describe("a key under a passphrase", () => {
  for (const [form, pem] of Object.entries(forms)) {
    const path = join(directory, `${form.replaceAll(/\W/g, "")}.pem`);
    writeFileSync(path, pem);

    it(`is converted: ${form}`, async () => {
      const env = { COUNTERSIGN_KEY_PASSPHRASE: passphrase };
      const { stdout, stderr } = await run(["keys", "convert", path, "--to", "pem"], env);
      assert.equal(stdout, plain, stderr);
    });

    it(`is refused without its passphrase, or with another: ${form}`, async () => {
      const without = await run(["keys", "convert", path]);
      assert.match(
        without.stderr,
        /the key is encrypted: .*\n.*hint: give its passphrase in COUNTERSIGN_KEY_PASSPHRASE/,
      );
      const wrong = await run(["keys", "convert", path], { COUNTERSIGN_KEY_PASSPHRASE: "another" });
      assert.match(wrong.stderr, /the key cannot be decrypted: .*\n.*hint: the passphrase is another one/);
      assert.deepEqual([without.exitCode, wrong.exitCode], [1, 1]);
    });

    it(`is no key file of serve, which says what makes one of it: ${form}`, async () => {
      const { stderr, exitCode } = await run(["serve", "--data", join(directory, "data"), "--key-file", path]);
      assert.match(stderr, /the key file is encrypted: .*\n.*hint: countersign keys convert .* --to pem/);
      assert.equal(exitCode, 1);
    });
  }
});

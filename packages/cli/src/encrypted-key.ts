import { createPrivateKey } from "node:crypto";
import { CliFailure } from "./failure.ts";
import { askSecret } from "./prompt.ts";
import type { World } from "./world.ts";

/** Whether a PEM holds a key under a passphrase: as PKCS #8, or in the older way of OpenSSL. */
export function isEncryptedPem(input: string | Buffer): boolean {
  return /^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(input.toString());
}

/**
 * The same key as a PEM that is not encrypted, by the passphrase in COUNTERSIGN_KEY_PASSPHRASE or from the terminal.
 *
 * @throws {CliFailure} without a passphrase, or when it is not the right one.
 */
export async function decryptPem(input: string | Buffer, path: string, world: World): Promise<string> {
  const asked = () => askSecret(world, `passphrase of ${path}: `);
  const passphrase = world.env.COUNTERSIGN_KEY_PASSPHRASE ?? (await asked());
  if (passphrase === undefined) {
    throw new CliFailure(`the key is encrypted: ${path}`, {
      hints: ["give its passphrase in COUNTERSIGN_KEY_PASSPHRASE, or run this on a terminal"],
    });
  }
  try {
    return createPrivateKey({ key: input, passphrase }).export({ format: "pem", type: "pkcs8" }).toString();
  } catch {
    throw new CliFailure(`the key cannot be decrypted: ${path}`, {
      hints: ["the passphrase is another one, or the file is damaged"],
    });
  }
}

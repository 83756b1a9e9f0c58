import { KeyPair } from "@countersign/biscuit";
import type { Command } from "../command.ts";
import { usageFailure } from "../failure.ts";
import { textFileAt, writePrivateFile } from "../private-file.ts";

const algorithms = ["ed25519", "secp256r1"] as const;

/** Makes a key of a service or a party. */
export const keysGenerate: Command = {
  name: "keys generate",
  summary: "Make the private key of a service or a party; needs no server",
  positionals: [{ name: "file", summary: "Where to write it, PKCS#8 in PEM" }],
  options: {
    curve: { kind: "text", value: "CURVE", choices: algorithms, summary: "The algorithm; ed25519" },
  },
  examples: ["countersign keys generate gateway.pem"],
  async run({ given, print }) {
    const file = given.required("file");
    if ((await textFileAt(file, "the key")) !== undefined) throw usageFailure(`there is a file already: ${file}`);
    const pair = await KeyPair.generate(algorithms.find((name) => name === given.text("curve")) ?? "ed25519");
    await writePrivateFile(file, pair.privateKey.revealPem(), "the key");
    const public_key = pair.publicKey.toString();
    print.data({ file, public_key }, () => [public_key]);
  },
};

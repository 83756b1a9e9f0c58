/** Judges the official samples with nothing but the installed package; it runs in every runtime. */
import { Authorizer, Biscuit, BiscuitError, KeyPair, PublicKey } from "@countersign/biscuit";
import data from "./data.mjs";

const externs = {
  test: (left, right) => right === undefined || (left === right ? "equal strings" : "different strings"),
};

const sorted = (_, value) =>
  value !== null && typeof value === "object" && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

async function resultOf(token, root, validation) {
  try {
    const verified = await Biscuit.parse(token).verify(root);
    if (JSON.stringify(verified.revocationIds) !== JSON.stringify(validation.revocation_ids)) return "revocation ids";
    return new Authorizer(validation.authorizer_code, { externs }).authorize(verified).toRustJson();
  } catch (error) {
    if (!(error instanceof BiscuitError)) throw error;
    return { Err: error.toRustJson() };
  }
}

/** A token of its own in both algorithms: minted, narrowed, sealed and judged. */
async function roundTrip(algorithm) {
  const root = await KeyPair.generate(algorithm);
  const token = await Biscuit.builder().code(`right("file1", "read");`).build(root);
  const narrowed = await token.attenuate(`check if operation("read");`);
  const sealed = await narrowed.seal();
  const received = await Biscuit.parse(sealed.toBase64()).verify(root.publicKey);
  const judge = (operation) =>
    new Authorizer(`operation({operation}); allow if right("file1", "read");`, {
      parameters: { operation },
    }).authorize(received).allowed;
  return judge("read") && !judge("write");
}

export async function run() {
  const root = PublicKey.parse(`ed25519/${data.root}`);
  const failures = [];
  let passed = 0;
  for (const { name, token, validation } of data.validations) {
    const result = JSON.stringify(await resultOf(token, root, validation), sorted);
    if (result === JSON.stringify(validation.result, sorted)) passed++;
    else failures.push(`${name}: ${result}`);
  }
  for (const algorithm of ["ed25519", "secp256r1"]) if (!(await roundTrip(algorithm))) failures.push(algorithm);
  return { passed, total: data.validations.length, failures };
}

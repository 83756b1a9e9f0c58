import { keyForms, readSigningKey, ringAlgorithms, signingAlgorithms, writeKey } from "@countersign/authority";
import { apiPath, openApi, remoteOptions } from "../api.ts";
import type { Command, Option } from "../command.ts";
import { decryptPem, isEncryptedPem } from "../encrypted-key.ts";
import { usageFailure } from "../failure.ts";
import { objectsIn } from "../json-members.ts";
import { readBytes } from "../open-authority.ts";
import { instant } from "../printer.ts";
import { readAll } from "../prompt.ts";
import type { World } from "../world.ts";
import { rewrapKeys } from "./rewrap-keys.ts";

const algorithm: Option = { kind: "text", value: "ALG", choices: signingAlgorithms, summary: "Signature algorithm" };
const kind: Option = {
  kind: "text",
  value: "ALG",
  choices: ringAlgorithms,
  summary: "Signature algorithm, or the kind of a key for capability tokens",
};
const now: Option = { kind: "flag", summary: "Sign with it at once, although verifiers may not know it yet" };
const file = [{ name: "file", summary: "PEM, DER, JWK or JWK set; - is stdin" }];

/** Signing keys. */
export const keyCommands: readonly Command[] = [
  {
    name: "keys list",
    summary: "List the signing keys and their timetable",
    options: remoteOptions,
    async run(run) {
      const response = await (await openApi(run)).get("/api/v1/keys");
      run.print.table(objectsIn(response, "keys"), {
        KID: (row) => row.kid,
        ALG: (row) => row.algorithm,
        STATE: (row) => row.state,
        SIGNS: (row) => instant(row.active_at),
        RETIRES: (row) => instant(row.retires_at),
        GONE: (row) => instant(row.erases_at),
      });
    },
  },
  {
    name: "keys rotate",
    summary: "Bring the next key forward",
    options: { ...remoteOptions, algorithm: kind, now },
    async run(run) {
      const wanted = { algorithm: run.given.text("algorithm") ?? "ES256", now: run.given.flag("now") };
      const key = await (await openApi(run)).send("POST", "/api/v1/keys/rotate", wanted);
      run.print.data(key, () => [`${key.kid} signs from ${instant(key.active_at)}`]);
    },
  },
  {
    name: "keys import",
    summary: "Import a private key as the next one of its algorithm",
    positionals: file,
    options: { ...remoteOptions, algorithm, now },
    async run(run) {
      const { given, world, print } = run;
      const read = await readKey(given.required("file"), given.text("algorithm"), world);
      const wanted = { key: writeKey(read, "pem"), algorithm: read.algorithm, now: given.flag("now") };
      const key = await (await openApi(run)).send("POST", "/api/v1/keys/import", wanted);
      print.data(key, () => [`${key.kid} signs from ${instant(key.active_at)}`]);
    },
  },
  {
    name: "keys revoke",
    summary: "Withdraw a key in an emergency: what it signed no longer verifies",
    positionals: [{ name: "kid", summary: "As keys list shows it" }],
    options: remoteOptions,
    async run(run) {
      const kid = run.given.required("kid");
      await (await openApi(run)).send("DELETE", apiPath`/api/v1/keys/${kid}`);
      run.print.done({ revoked: kid }, `revoked ${kid}`);
    },
  },
  {
    name: "keys convert",
    summary: "Write a private key in another form; needs no server",
    positionals: file,
    options: {
      algorithm,
      to: { kind: "text", value: "FORM", choices: keyForms, summary: "The form; jwk by default" },
    },
    examples: [
      "openssl ecparam -name prime256v1 -genkey -noout | countersign keys convert - --to jwk",
      "countersign keys convert key.json --to pem",
    ],
    async run({ given, world, print }) {
      const form = keyForms.find((candidate) => candidate === (given.text("to") ?? "jwk"));
      if (form === undefined) throw usageFailure(`no such form: ${given.text("to")}`);
      const key = writeKey(await readKey(given.required("file"), given.text("algorithm"), world), form);
      // A JWK is JSON as it is.
      if (print.json && key.startsWith("-")) print.data({ [form]: key }, () => []);
      else print.text(key);
    },
  },
  rewrapKeys,
];

async function readKey(path: string, wanted: string | undefined, world: World) {
  const input = path === "-" ? await readAll(world.stdin) : readBytes(path);
  return readSigningKey(
    isEncryptedPem(input) ? await decryptPem(input, path, world) : input,
    signingAlgorithms.find((candidate) => candidate === wanted),
  );
}

import { readFile } from "node:fs/promises";
import { decryptTokenBrokerFile, openKeyEncryptionKeyFile, readSealedRules, sealRules } from "@countersign/authority";
import type { Random } from "@countersign/protocol";
import { stringify } from "smol-toml";
import type { Command, Positional } from "../command.ts";
import { CliFailure, reasonOf, usageFailure } from "../failure.ts";
import { openSealedText, policyFromText } from "../policy-files.ts";
import { readTextFile, textFileAt, writePrivateFile } from "../private-file.ts";

const keyFile = {
  "key-file": {
    kind: "text",
    value: "FILE",
    summary: "The key of the rules, made where there is none: 32 bytes, base64url",
  },
} as const;
const sealedFile: Positional = { name: "sealed", summary: "The sealed rules" };

/** Rule files that nobody can read or change without their key. */
export const rulesCommands: readonly Command[] = [
  {
    name: "rules seal",
    summary: "Seal a policy, so that it is secret, and no change or older version of it is run",
    positionals: [
      { name: "file", summary: "The policy: TOML, or the JSON of confidential-token-broker" },
      { name: "sealed", summary: "Where to write it" },
    ],
    options: keyFile,
    examples: ["countersign rules seal policy.toml rules.sealed --key-file rules.key"],
    async run({ given, print, world }) {
      const [source, target] = [given.required("file"), given.required("sealed")];
      const text = await readTextFile(source, "the policy");
      const { policy } = policyFromText(text, source);
      const before = readSealedRules((await textFileAt(target, "the sealed rules")) ?? "");
      if (before !== undefined && before.version >= policy.version) {
        throw new CliFailure(`there are rules of version ${before.version} already: ${target}`, {
          hints: [`raise version in ${source} above it`],
        });
      }
      const keyEncryptionKey = await openKey(given.required("key-file"), world.random);
      const sealed = await sealRules(text, { keyEncryptionKey, random: world.random, version: policy.version });
      await writePrivateFile(target, `${JSON.stringify(sealed)}\n`, "the sealed rules");
      const { version, key } = sealed;
      print.done({ sealed: target, version, key }, `sealed version ${version} under the key ${key}`);
    },
  },
  {
    name: "rules open",
    summary: "Print sealed rules as they were written",
    positionals: [sealedFile],
    options: keyFile,
    examples: ["countersign rules open rules.sealed --key-file rules.key"],
    async run({ given, print, world }) {
      const { text, version } = await open(given.required("sealed"), given.required("key-file"), world.random);
      print.data({ version, text }, () => text.replace(/\n$/, "").split("\n"));
    },
  },
  {
    name: "rules check",
    summary: "Say whether sealed rules are whole and can be used",
    positionals: [sealedFile],
    options: keyFile,
    examples: ["countersign rules check rules.sealed --key-file rules.key"],
    async run({ given, print, world }) {
      const path = given.required("sealed");
      const { text, version } = await open(path, given.required("key-file"), world.random);
      const { policy } = policyFromText(text, path);
      const { issuers, rules } = policy.exchange;
      print.done(
        { version, hash: policy.hash, issuers: issuers.size, rules: rules.length },
        `version ${version}, ${policy.hash}, issuers: ${issuers.size}, rules of exchange: ${rules.length}`,
      );
    },
  },
  {
    name: "rules import",
    summary: "Write the rules of confidential-token-broker, encrypted with its zero key or not, as a policy",
    positionals: [
      { name: "config", summary: "Its file CONFIG, or the JSON of it" },
      { name: "file", summary: "Where to write the policy, TOML" },
    ],
    examples: ["countersign rules import CONFIG policy.toml"],
    async run({ given, print }) {
      const [source, target] = [given.required("config"), given.required("file")];
      if ((await textFileAt(target, "the policy")) !== undefined)
        throw usageFailure(`there is a file already: ${target}`);
      const policy = importedPolicy(await bytesOf(source), source);
      await writePrivateFile(target, stringify(policy), "the policy");
      print.note("countersign: warning: the file was not authenticated: read what is in it before you use it");
      print.done({ imported: source, policy: target }, `wrote ${target}`);
    },
  },
];

async function open(file: string, keyFile: string, random: Random) {
  const text = await readTextFile(file, "the sealed rules");
  const opened = await openSealedText(text, { file, keyFile, random });
  return { text: opened, version: readSealedRules(text)?.version ?? 0 };
}

async function openKey(path: string, random: Random) {
  try {
    return await openKeyEncryptionKeyFile({ path, random });
  } catch (error) {
    throw new CliFailure(`cannot use the key of the rules: ${path}`, { hints: [reasonOf(error)] });
  }
}

async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new CliFailure(`cannot read the rules: ${path}`, { hints: [reasonOf(error)] });
  }
}

function importedPolicy(bytes: Uint8Array, path: string): object {
  const plain = Buffer.from(bytes).toString("utf8");
  const text = plain.trimStart().startsWith("{") ? plain : decryptTokenBrokerFile(bytes);
  if (!text.trimStart().startsWith("{"))
    throw new CliFailure(`these are no rules of confidential-token-broker: ${path}`);
  return documentWithout(policyFromText(text, path).policy.document);
}

/** The document without the sections that say nothing. */
function documentWithout(document: object): object {
  const isEmpty = (value: unknown) =>
    value === undefined ||
    value === false ||
    (typeof value === "object" && value !== null && Object.keys(value).length === 0);
  return Object.fromEntries(Object.entries(document).filter(([, value]) => !isEmpty(value)));
}

import { tokenIn } from "../../capability/tokens.ts";
import type { Option, Run } from "../../command.ts";
import { CliFailure } from "../../failure.ts";
import { readTextFile } from "../../private-file.ts";
import { readAll } from "../../prompt.ts";

/** The token that is looked at or signed. */
export const tokenText: Readonly<Record<string, Option>> = {
  token: { kind: "text", summary: "The token; without it stdin is read, which no other user can see" },
  "token-file": { kind: "text", value: "FILE", summary: "A file with it; - is stdin" },
};

/** The key that signs, and what is printed. */
export const signingOptions: Readonly<Record<string, Option>> = {
  "signing-key": { kind: "text", value: "FILE", summary: "The private key of this service or party, PKCS#8 in PEM" },
  "token-only": { kind: "flag", summary: "Print the token and nothing else" },
};

/** The token of a command line: in a word, a file, or stdin. */
export async function givenToken({ given, world }: Run): Promise<string> {
  const word = given.text("token");
  const file = given.text("token-file");
  const text = word ?? (file === undefined ? await readAll(world.stdin) : (await tokenIn(world, file)).token);
  if (text.trim() === "") throw new CliFailure("no token", { hints: ["give --token, or pipe it to stdin"] });
  return text.trim();
}

/** The private key of a file. */
export function signingKey(path: string): Promise<string> {
  return readTextFile(path, "the signing key");
}

/** Prints a token that was signed. */
export function printSigned({ given, print }: Run, token: string, said: object): void {
  if (given.flag("token-only")) print.text(token);
  else print.data({ success: true, token, ...said }, () => [token]);
}

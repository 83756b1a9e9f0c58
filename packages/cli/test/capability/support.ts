import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock, systemRandom } from "@countersign/protocol";
import { makeAuthority, makeCertificate } from "../../src/x509/certificate.ts";
import { run } from "../script-world.ts";

/** Whom the client's certificate names. */
export const alice = "urn:example:alice";

const content = (name: string, names: readonly string[]) => ({
  name,
  names,
  from: systemClock.now() - 60_000,
  until: systemClock.now() + 86_400_000,
  serial: systemRandom.bytes(16),
});

/** Certificates as the commands make them. */
export function someTls() {
  const ca = makeAuthority(content("ca", []));
  const other = makeAuthority(content("other", []));
  return {
    ca: ca.cert,
    otherCa: other.cert,
    server: makeCertificate({ ...content("server", ["127.0.0.1", "localhost"]), use: "server" }, ca),
    client: makeCertificate({ ...content("client", [alice]), use: "client" }, ca),
    stranger: makeCertificate({ ...content("stranger", [alice]), use: "client" }, other),
  };
}

/** A home of its own with files in it, and the command run there. */
export function aHome(files: Readonly<Record<string, string>> = {}) {
  const home = mkdtempSync(join(tmpdir(), "countersign-home-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(home, name), text);
  const at = (name: string): string => join(home, name);
  const cli = (words: readonly string[], stdin = "", env: Readonly<Record<string, string>> = {}) =>
    run(words, { HOME: home, ...env }, stdin);
  return {
    at,
    cli,
    /** Runs it with --json and gives what it printed. */
    async json(words: readonly string[], stdin = "", env: Readonly<Record<string, string>> = {}) {
      const { stdout, stderr, exitCode } = await cli([...words, "--json"], stdin, env);
      return { exitCode, stderr, said: JSON.parse(stdout === "" ? "null" : stdout) };
    },
    remove: () => rmSync(home, { recursive: true }),
  };
}

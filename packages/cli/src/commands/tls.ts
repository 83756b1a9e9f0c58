import { join } from "node:path";
import type { Command, Run } from "../command.ts";
import { usageFailure } from "../failure.ts";
import { textFileAt, writePrivateFile } from "../private-file.ts";
import { type CertificateContent, type Certified, makeAuthority, makeCertificate } from "../x509/certificate.ts";

const DAY_MS = 86_400_000;
/** Clocks differ: a certificate is good from a little before it was made. */
const EARLIER_MS = 3_600_000;

/** What became of a pair of files. */
interface Row {
  readonly name: string;
  readonly names: readonly string[];
  readonly made: boolean;
}

async function kept(folder: string, name: string): Promise<Certified | undefined> {
  const cert = await textFileAt(join(folder, `${name}.crt`), "the certificate");
  const key = await textFileAt(join(folder, `${name}.key`), "the key");
  if (cert === undefined && key === undefined) return undefined;
  if (cert !== undefined && key !== undefined) return { cert, key };
  throw usageFailure(`half of a pair is there: ${join(folder, name)}`, "remove it, or name another folder");
}

async function keep(folder: string, name: string, { cert, key }: Certified): Promise<void> {
  await writePrivateFile(join(folder, `${name}.key`), key, "the key");
  await writePrivateFile(join(folder, `${name}.crt`), cert, "the certificate");
}

/** `alice=urn:example:alice`, or an identity alone, whose last part is the name of its files. */
function clientOf(text: string): readonly [name: string, identity: string] {
  const at = /^([A-Za-z0-9_-]{1,64})=(.+)$/.exec(text);
  const [name = text.split(/[:/]/).at(-1) ?? "", identity = text] = at === null ? [] : [at[1], at[2]];
  const isName = /^[A-Za-z0-9_-]{1,64}$/.test(name) && !["ca", "server"].includes(name);
  if (isName && /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i.test(identity)) return [name, identity];
  throw usageFailure(`not an identity: ${text}`, "give a URI such as urn:example:alice, or alice=urn:example:alice");
}

function contentOf({ given, world }: Run, name: string, use: CertificateContent["use"], names: readonly string[]) {
  const days = given.integer("days") ?? 365;
  if (days < 1 || days > 3650) throw usageFailure(`--days must be from 1 to 3650: ${days}`);
  const from = world.clock.now() - EARLIER_MS;
  // An authority outlives what it signs.
  const until = world.clock.now() + (use === "authority" ? 3650 : days) * DAY_MS;
  return { name, names, use, from, until, serial: world.random.bytes(16) };
}

/** Makes what is not there yet. */
async function initialise(run: Run, folder: string): Promise<readonly Row[]> {
  const { given } = run;
  const hosts = given.list("host") ?? ["localhost", "127.0.0.1", "::1"];
  const clients = (given.list("client") ?? []).map(clientOf);
  const known = await kept(folder, "ca");
  const authority = known ?? makeAuthority(contentOf(run, "Countersign development CA", "authority", []));
  if (known === undefined) await keep(folder, "ca", authority);
  const rows: Row[] = [{ name: "ca", names: [], made: known === undefined }];
  const wanted = [
    { name: "server", use: "server", names: hosts } as const,
    ...clients.map(([name, identity]) => ({ name, use: "client", names: [identity] }) as const),
  ];
  for (const { name, use, names } of wanted) {
    const made = (await kept(folder, name)) === undefined;
    if (made) await keep(folder, name, makeCertificate(contentOf(run, name, use, names), authority));
    rows.push({ name, names, made });
  }
  return rows;
}

/** Certificates for development. */
export const tlsCommands: readonly Command[] = [
  {
    name: "tls init",
    summary: "Make a certificate authority for development, with certificates of a server and of clients",
    positionals: [{ name: "folder", summary: "Where to; tls", required: false }],
    options: {
      host: { kind: "list", value: "HOST", summary: "Names of the server; localhost,127.0.0.1,::1" },
      client: {
        kind: "list",
        value: "[NAME=]URI",
        summary: "Identities of clients; files are called by their last part",
      },
      days: { kind: "text", value: "DAYS", summary: "How long certificates hold; 365, and the authority ten years" },
    },
    examples: [
      "countersign tls init --client urn:example:alice,urn:example:shop",
      "countersign serve --tls-cert tls/server.crt --tls-key tls/server.key --tls-client-ca tls/ca.crt",
    ],
    async run(run) {
      const folder = run.given.text("folder") ?? "tls";
      const rows = await initialise(run, folder);
      run.print.table(
        rows,
        {
          CERTIFICATE: ({ name }) => join(folder, `${name}.crt`),
          FOR: ({ names }) => names,
          MADE: ({ made }) => (made ? "yes" : "it was there"),
        },
        { folder, certificates: rows },
      );
      run.print.note("countersign: its authority is for development: whoever has ca.key can be anybody");
    },
  },
];

import { systemRandom } from "@countersign/protocol";
import { makeAuthority } from "../../packages/cli/src/x509/certificate.ts";
import { type HessraPy, startHessraPy } from "../../tools/interop/hessra/python.ts";

/** What hessra-py is measured with: tokens of ours, as text. */
export interface HessraTokens {
  readonly publicKeyPem: string;
  readonly plain: readonly string[];
  readonly attested: readonly string[];
  readonly delegated: readonly string[];
  readonly identity: string;
  readonly right: { readonly subject: string; readonly resource: string; readonly operation: string };
  readonly laptop: string;
  /** A JSON array of nodes. */
  readonly chain: string;
}

type Row = readonly [name: string, call: string, args: readonly (readonly unknown[])[], count: number];

function rowsOf({ plain, attested, delegated, identity, right, laptop, chain }: HessraTokens): readonly Row[] {
  const { subject, resource, operation } = right;
  const asked = [subject, resource, operation] as const;
  return [
    ["authorization token, 1 signature", "verify_token_local", plain.map((token) => [token, ...asked]), 2000],
    [
      "authorization token, 2 attestations",
      "verify_service_chain_token_local",
      attested.map((token) => [token, ...asked, chain, null]),
      1000,
    ],
    ["delegated identity token", "verify_identity_token_local", delegated.map((token) => [token, laptop]), 1000],
    ["delegation", "attenuate_identity_token", [[identity, laptop, 300]], 1000],
  ];
}

async function measure(hessra: HessraPy, tokens: HessraTokens): Promise<void> {
  const now = Date.parse("2026-01-01T00:00:00Z");
  const day = 86_400_000;
  const authority = { name: "bench", from: now, until: now + 3650 * day, serial: systemRandom.bytes(16) };
  const client = {
    base_url: "localhost",
    port: 9,
    server_ca: makeAuthority(authority).cert,
    public_key: tokens.publicKeyPem,
  };
  for (const [name, call, args, count] of rowsOf(tokens)) {
    await hessra.ask({ client, call, args, count: 50 });
    const { ok, error } = await hessra.ask({ client, call, args, count });
    if (error !== undefined) throw new Error(`hessra-py: ${call}: ${error}`);
    const { us, refused } = ok as { readonly us: number; readonly refused: number };
    const lost = refused === 0 ? "" : `, ${refused} of ${count} refused`;
    console.log(`${`hessra-py: ${name}`.padEnd(58)} ${us.toFixed(1).padStart(8)} us${lost}`);
  }
}

/** Measures hessra-py 0.2.1 with the same tokens, where it can be installed. */
export async function measureHessraPy(tokens: HessraTokens): Promise<void> {
  let hessra: HessraPy;
  try {
    hessra = await startHessraPy();
  } catch (error) {
    console.log(`hessra-py could not be installed: ${error instanceof Error ? error.message : "no reason"}`);
    return;
  }
  await using running = hessra;
  await measure(running, tokens);
}

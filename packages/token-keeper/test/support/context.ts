import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ClientCredentialsOptions,
  type Clock,
  clientCredentialsSource,
  type SourceContext,
  secretBasic,
  systemRandom,
  type TokenEvent,
} from "@countersign/token-keeper";
import { FakeClock } from "@countersign/token-keeper/testing";
import { SkewEstimate } from "../../src/skew.ts";
import type { TokenServer } from "./token-server.ts";

/** A context as a keeper makes it, with the events it was told. */
export function aContext<C extends Clock = FakeClock>(
  overrides: Partial<SourceContext> & { readonly clock?: C } = {},
): SourceContext & { readonly events: TokenEvent[]; readonly clock: C } {
  const events: TokenEvent[] = [];
  // Without an override C is its default.
  const clock = overrides.clock ?? (new FakeClock() as Clock as C);
  return {
    signal: new AbortController().signal,
    random: systemRandom,
    skew: new SkewEstimate(clock),
    emit: (event: TokenEvent) => void events.push(event),
    current: undefined,
    rejected: undefined,
    ...overrides,
    clock,
    events,
  };
}

/** A client credentials source of a server, for one audience; with an issuer the endpoint is discovered. */
export function aSource(server: TokenServer, overrides: Partial<ClientCredentialsOptions> = {}) {
  return clientCredentialsSource({
    ...(overrides.issuer === undefined ? { tokenEndpoint: server.tokenEndpoint } : {}),
    client: secretBasic("reports", "s3cr3t-value"),
    audience: "https://api.example.com",
    ...overrides,
  });
}

/** A folder that is gone when the test is. */
export async function aFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "token-keeper-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

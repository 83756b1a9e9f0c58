import { CountersignError } from "@countersign/protocol";
import type { Caller } from "../caller.ts";
import type { GrantRequest, Grounds } from "../grants/grant.ts";
import { grantFor } from "../grants/index.ts";
import type { Services } from "../services.ts";
import { type Minted, mint, plan, signerFor } from "./mint.ts";
import { narrow, type Permission } from "./policy.ts";
import { LostRace, record } from "./record.ts";

/** A token that was issued, as every face renders it. */
export interface Issued {
  readonly accessToken: string;
  readonly expiresInMs: number;
  readonly scopes: readonly string[];
  readonly refreshToken?: string;
}

/** How often the walk starts again when a racing request changed what it relies on. */
const mostAttempts = 4;

/**
 * The walk of a token request: caller → grant → policy → mint → record. Signing and writing run side by side, and the
 * token leaves only when both are done.
 */
export async function issue(request: GrantRequest, caller: Caller, services: Services): Promise<Issued> {
  const grant = grantFor(request, caller);
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const grounds = await grant.establish(request, caller, services);
    const permission = narrow(request, caller, grounds, services.config);
    const issued = await mintAndRecord({ request, caller, grounds, permission }, services);
    if (issued !== undefined) return issued;
  }
  throw new CountersignError("temporarily_unavailable", {
    detail: "what the grant consumes is contended",
    retryAfterMs: 1000,
  });
}

/** What the first three steps of the walk found out. */
export interface Granted {
  readonly request: GrantRequest;
  readonly caller: Caller;
  readonly grounds: Grounds;
  readonly permission: Permission;
}

async function mintAndRecord(granted: Granted, services: Services): Promise<Issued | undefined> {
  const signer = await signerFor(granted.caller, services);
  const planned = plan(granted, services);
  const [minted, recorded] = await Promise.allSettled([
    mint(planned, granted, signer, services),
    record(granted, planned, services),
  ]);
  if (recorded.status === "rejected") {
    if (recorded.reason instanceof LostRace) return undefined;
    throw recorded.reason;
  }
  if (minted.status === "rejected") throw minted.reason;
  return render(minted.value, granted, recorded.value);
}

function render(minted: Minted, granted: Granted, refreshToken: string | undefined): Issued {
  return {
    accessToken: minted.token,
    expiresInMs: minted.expiresInMs,
    scopes: granted.permission.scopes,
    ...(refreshToken === undefined ? {} : { refreshToken }),
  };
}

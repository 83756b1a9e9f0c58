import { REVOCATION_FEED_TYPE, toBase64url } from "@countersign/protocol";
import type { Services } from "../services.ts";
import type { RevocationRecord } from "./revocation-record.ts";

/** How long one signed feed is given out, in milliseconds: so old it may be when it arrives. */
export const FEED_AGE_MS = 10_000;
/** How long a feed may be used at all, in seconds. */
const FEED_LIFE = 86_400;
/** Entries in one feed at most: some 250 kB. */
const MAX_ENTRIES = 1000;
/** Feeds from different positions that are kept signed. */
const MAX_KEPT = 64;

type FeedServices = Pick<Services, "revocations" | "keys" | "clock" | "config">;

/** Where a reader stands. */
export interface FeedPosition {
  readonly list?: string | undefined;
  readonly position: number;
}

interface Kept {
  readonly signedAt: number;
  readonly text: Promise<string>;
}

/** Signs the feed of what was revoked, once in ten seconds for each position that readers name. */
export class RevocationFeed {
  readonly #kept = new Map<string, Kept>();

  /** The feed from a position on: a compact JWS (RFC 7515 section 7.1), typed so that it passes for nothing else. */
  async read(from: FeedPosition, services: FeedServices): Promise<string> {
    const now = services.clock.monotonic();
    const key = `${from.list ?? ""} ${from.position}`;
    const known = this.#kept.get(key);
    if (known !== undefined && now - known.signedAt < FEED_AGE_MS) return known.text;
    const kept = { signedAt: now, text: signed(from, services) };
    this.#keep(key, kept);
    // A failure is not kept.
    kept.text.catch(() => this.#kept.delete(key));
    return kept.text;
  }

  #keep(key: string, kept: Kept): void {
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MAX_KEPT) return;
      this.#kept.delete(oldest);
    }
  }
}

async function signed(from: FeedPosition, { revocations, keys, clock, config }: FeedServices): Promise<string> {
  // As old as the question to the store, however long the answer takes.
  const iat = Math.floor(clock.now() / 1000);
  const page = await revocations.since(from.list, from.position, MAX_ENTRIES);
  const { list, position, more } = page;
  const since = from.list === list ? from.position : 0;
  const entries = page.entries.map(entryOf);
  const claims = { iss: config.issuer, iat, exp: iat + FEED_LIFE, list, since, position, more, entries };
  const signer = await keys.signer(config.tokens.algorithm);
  const header = { alg: signer.algorithm, typ: REVOCATION_FEED_TYPE, kid: signer.kid };
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${await signer.sign(input)}`;
}

function entryOf({ kind, id, expiresAt }: RevocationRecord) {
  return { [kind === "jti" ? "jti" : "block"]: id, exp: Math.ceil(expiresAt / 1000) };
}

function encode(value: object): string {
  return toBase64url(Buffer.from(JSON.stringify(value)));
}

import { argon2, timingSafeEqual } from "node:crypto";
import type { Clock, Random } from "@countersign/protocol";
import type { Config } from "../config.ts";
import { type PasswordCost, type PasswordHash, parsePhc, printPhc } from "./phc.ts";
import { Slots } from "./slots.ts";

/** Hashes and checks passwords, a bounded number at once; those that wait from one place stand behind each other (`from`). */
export interface PasswordHasher {
  /** The PHC string of a password (argon2id, 19 MiB, 2 passes, 1 lane). */
  hash(password: string, from?: string): Promise<string>;
  /**
   * Whether the password has this hash. Without a hash it does the same work and resolves to false, so that an unknown
   * user costs as much time as a known one. Refuses with `temporarily_unavailable` when the queue is too long.
   */
  verify(password: string, phc: string | undefined, from?: string): Promise<boolean>;
  /** How many hashes wait for a slot. */
  readonly waiting: number;
  /** Whether a hash was made with other parameters than today's. */
  isOutdated(phc: string): boolean;
}

/** Computes a tag of `tagBytes` bytes. */
export type Derive = (input: DeriveInput) => Promise<Uint8Array>;

/** What one argon2id computation is given. */
export interface DeriveInput {
  readonly password: string;
  readonly salt: Uint8Array;
  readonly tagBytes: number;
  readonly cost: PasswordCost;
}

/** What a password hasher is made of. */
export interface PasswordHasherOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly config: { readonly limits: Pick<Config["limits"], "password_parallel" | "password_queue_ms"> };
  /** What new hashes cost. @default 19,456 KiB, 2 passes, 1 lane (the OWASP minimum) */
  readonly cost?: PasswordCost;
  /** @default argon2id of the runtime, in its thread pool */
  readonly derive?: Derive;
}

const owaspCost: PasswordCost = { memoryKib: 19_456, passes: 2, lanes: 1 };
const SALT_BYTES = 16;
const TAG_BYTES = 32;

/**
 * Makes a hasher that computes at most `password_parallel` hashes at once, so it takes no more memory than that many
 * times 19 MiB.
 *
 * @example
 * ```ts
 * import { testAuthority } from "@countersign/authority/testing";
 * const { passwords } = (await testAuthority()).services;
 * const phc = await passwords.hash("correct horse battery staple");
 * await passwords.verify("correct horse battery staple", phc); // true
 * ```
 */
export function createPasswordHasher(options: PasswordHasherOptions): PasswordHasher {
  const { clock, random, config, cost = owaspCost, derive = argon2id } = options;
  const slots = new Slots({
    clock,
    parallel: config.limits.password_parallel,
    waitMs: config.limits.password_queue_ms,
  });
  /** The hash of no password: compared with where a user has none. */
  const dummy: PasswordHash = { cost, salt: random.bytes(SALT_BYTES), tag: random.bytes(TAG_BYTES) };
  return {
    get waiting() {
      return slots.waiting;
    },
    hash: (password, from) =>
      slots.run(async () => {
        const salt = random.bytes(SALT_BYTES);
        return printPhc({ cost, salt, tag: await derive({ password, salt, tagBytes: TAG_BYTES, cost }) });
      }, from),
    verify: (password, phc, from) => {
      const stored = phc === undefined ? undefined : parsePhc(phc);
      const { cost: paid, salt, tag } = stored ?? dummy;
      return slots.run(async () => {
        const derived = await derive({ password, salt, tagBytes: tag.length, cost: paid });
        const rest = difference(cost, paid);
        if (rest !== undefined) await derive({ ...dummy, password, tagBytes: TAG_BYTES, cost: rest });
        return timingSafeEqual(derived, tag) && stored !== undefined;
      }, from);
    },
    isOutdated: (phc) => {
      const made = parsePhc(phc)?.cost;
      return made?.memoryKib !== cost.memoryKib || made.passes !== cost.passes || made.lanes !== cost.lanes;
    },
  };
}

/** Fresh memory costs about as much as so many passes over it (measured; it depends little on the amount). */
const SETUP_PASSES = 0.2;

/** What a cheaper hash falls short of today's work, so that an old hash takes about as long as none does. */
function difference(today: PasswordCost, paid: PasswordCost): PasswordCost | undefined {
  const missing = workOf(today) - workOf(paid);
  const passes = Math.max(1, Math.ceil(missing / today.memoryKib - SETUP_PASSES));
  const memoryKib = Math.round(missing / (passes + SETUP_PASSES));
  return memoryKib < 8 ? undefined : { memoryKib, passes, lanes: 1 };
}

/** Work in KiB passed over. */
export function workOf({ memoryKib, passes }: PasswordCost): number {
  return memoryKib * (passes + SETUP_PASSES);
}

/** Argon2id of the runtime (RFC 9106), computed in its thread pool. */
export const argon2id: Derive = ({ password, salt, tagBytes: tagLength, cost }) =>
  new Promise((resolve, reject) => {
    const { memoryKib: memory, passes, lanes: parallelism } = cost;
    const parameters = { message: password, nonce: salt, tagLength, memory, passes, parallelism };
    argon2("argon2id", parameters, (error, tag) => (error === null ? resolve(tag) : reject(error)));
  });

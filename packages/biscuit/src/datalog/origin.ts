import { FormatError } from "../errors.ts";
import type { Scope } from "./model.ts";
import { Parameter } from "./term.ts";

/**
 * A set of blocks as a bit mask: bit 0 is the authorizer, bit n + 1 is block n. It is a `bigint` only where a token has
 * more blocks than fit in 31 bits.
 */
export type Origin = number | bigint;

/** The origin of what the authorizer states. */
export const AUTHORIZER: Origin = 1;

const SMALL_BLOCKS = 29;

/** The origin of what one block states; `AUTHORIZER` stands for no block. */
export function blockOrigin(block: number): Origin {
  return block <= SMALL_BLOCKS ? 2 << block : 2n << BigInt(block);
}

/** All that either origin holds. */
export function unite(left: Origin, right: Origin): Origin {
  if (typeof left === "number" && typeof right === "number") return left | right;
  return BigInt(left) | BigInt(right);
}

/** Whether everything in `origin` is trusted. */
export function isTrusted(origin: Origin, trusted: Origin): boolean {
  if (typeof origin === "number" && typeof trusted === "number") return (origin & ~trusted) === 0;
  return (BigInt(origin) & ~BigInt(trusted)) === 0n;
}

/** The blocks in an origin, in order, with `undefined` for the authorizer first. */
export function originBlocks(origin: Origin): (number | undefined)[] {
  const blocks: (number | undefined)[] = [];
  let rest = BigInt(origin);
  for (let bit = 0; rest > 0n; bit++, rest >>= 1n) {
    if ((rest & 1n) === 1n) blocks.push(bit === 0 ? undefined : bit - 1);
  }
  return blocks;
}

/** What a rule sees with no scope of its own and none on its block: the authority and the authorizer. */
export const DEFAULT_TRUSTED: Origin = unite(AUTHORIZER, blockOrigin(0));

/** Where a rule stands: its own bit, and what `previous` means there. */
export interface Standpoint {
  /** The origin of what the rule derives. */
  readonly own: Origin;
  /** The blocks up to and with this one; nothing in the authorizer, where `previous` is ignored. */
  readonly previous: Origin;
}

/** The standpoint of the authorizer. */
export const AUTHORIZER_STANDPOINT: Standpoint = { own: AUTHORIZER, previous: 0 };

/** The standpoint of a block. */
export function blockStandpoint(block: number): Standpoint {
  let previous: Origin = 0;
  for (let i = 0; i <= block; i++) previous = unite(previous, blockOrigin(i));
  return { own: blockOrigin(block), previous };
}

/** What scopes let a rule see; its own block and the authorizer always, `defaults` where there are no scopes. */
export function trustedOrigins(
  scopes: readonly Scope[],
  defaults: Origin,
  standpoint: Standpoint,
  keyOrigins: ReadonlyMap<string, Origin>,
): Origin {
  const always = unite(AUTHORIZER, standpoint.own);
  if (scopes.length === 0) return unite(defaults, always);
  let trusted = always;
  for (const scope of scopes) {
    if (scope === "authority") trusted = unite(trusted, blockOrigin(0));
    else if (scope === "previous") trusted = unite(trusted, standpoint.previous);
    else if (scope instanceof Parameter) {
      throw new FormatError("encode", `Cannot use a scope without a value: {${scope.name}}`);
    } else trusted = unite(trusted, keyOrigins.get(scope.key) ?? 0);
  }
  return trusted;
}

/** What an argon2id hash costs. */
export interface PasswordCost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

/** A password hash and how it was made. */
export interface PasswordHash {
  readonly cost: PasswordCost;
  readonly salt: Uint8Array;
  readonly tag: Uint8Array;
}

/** The largest memory of a stored hash, so that none takes more memory than a slot has. */
const MAX_MEMORY_KIB = 65_536;
const PATTERN =
  /^\$argon2id\$v=19\$m=(\d{1,6}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,64})\$([A-Za-z0-9+/]{16,86})$/;

/** Writes the PHC string of a hash: `$argon2id$v=19$m=…,t=…,p=…$salt$tag`, base64 without padding. */
export function printPhc({ cost, salt, tag }: PasswordHash): string {
  return `$argon2id$v=19$m=${cost.memoryKib},t=${cost.passes},p=${cost.lanes}$${base64(salt)}$${base64(tag)}`;
}

/** Reads a PHC string of argon2id version 19 (RFC 9106); `undefined` when it is another, malformed or too costly. */
export function parsePhc(phc: string): PasswordHash | undefined {
  const [, memory, passes, lanes, salt = "", tag = ""] = PATTERN.exec(phc) ?? [];
  const cost = { memoryKib: Number(memory), passes: Number(passes), lanes: Number(lanes) };
  // RFC 9106 section 3.1: at least one pass and one lane, and eight blocks of memory for each lane.
  const isSound = cost.passes >= 1 && cost.lanes >= 1 && cost.memoryKib >= 8 * cost.lanes;
  if (!isSound || cost.memoryKib > MAX_MEMORY_KIB) return undefined;
  return { cost, salt: Buffer.from(salt, "base64"), tag: Buffer.from(tag, "base64") };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replaceAll("=", "");
}

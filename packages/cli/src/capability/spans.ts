const units = [
  ["days", 86_400],
  ["hours", 3600],
  ["minutes", 60],
] as const;

/** Seconds in the largest unit that fits. */
function spanOf(seconds: number): string {
  const [name, length] = units.find(([, unit]) => seconds >= unit) ?? ["seconds", 1];
  const count = Math.floor(seconds / length);
  return `${count} ${count === 1 ? name.slice(0, -1) : name}`;
}

/** How a token stands. */
export interface Standing {
  readonly status: "valid" | "expired" | "unknown";
  /** Seconds since the epoch; null when nothing ends it. */
  readonly expiry: number | null;
  /** "in 5 minutes", "2 hours ago". */
  readonly expires_in_human: string;
}

/**
 * How a token stands at an instant.
 *
 * @param expiresAt Milliseconds since the epoch.
 * @param now Milliseconds since the epoch.
 */
export function standingOf(expiresAt: number | undefined, now: number): Standing {
  if (expiresAt === undefined) return { status: "unknown", expiry: null, expires_in_human: "unknown" };
  const expiry = expiresAt / 1000;
  const left = expiry - Math.floor(now / 1000);
  // A token has expired at the very second that it names.
  if (left <= 0) return { status: "expired", expiry, expires_in_human: `${spanOf(-left)} ago` };
  return { status: "valid", expiry, expires_in_human: `in ${spanOf(left)}` };
}

/** Hashes and checks passwords, a bounded number at once; those that wait from one place stand behind each other (`from`). */
export interface PasswordHasher {
  /** The PHC string of a password (argon2id, 19 MiB, 2 passes, 1 lane). */
  hash(password: string, from?: string): Promise<string>;
  /**
   * Whether the password has this hash. Without a hash it does the same work and answers false, so that an unknown
   * user costs as much time as a known one. Refuses with `temporarily_unavailable` when the queue is too long.
   */
  verify(password: string, phc: string | undefined, from?: string): Promise<boolean>;
  /** How many hashes wait for a slot. */
  readonly waiting: number;
  /** Whether a hash was made with other parameters than today's. */
  isOutdated(phc: string): boolean;
}

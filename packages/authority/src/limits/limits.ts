/** How often somebody may try. Kept in the store, so that several nodes count together. */
export interface Limits {
  /**
   * Counts an attempt at an account before its password is hashed, and resolves to whether the password may be tried:
   * false while the account's delay for this block of addresses runs. Refuses with `too_many_requests` when the address
   * has tried too often.
   */
  countLogin(attempt: LoginAttempt): Promise<boolean>;
  /**
   * To be called when the password was right: gives back what the attempt took, forgets the failures of this block of
   * addresses at the account, and knows the block from now on.
   */
  loginSucceeded(attempt: LoginAttempt): Promise<void>;
  /** Ends all delays of an account. The blocks of addresses that it knows stay known. */
  clearLogin(username: string): Promise<void>;
  /**
   * Takes one from an address's budget for a named purpose. Refuses with `too_many_requests` when it is empty. An
   * unknown address has no budget: there, only the account's counter stands.
   */
  countAddress(purpose: string, address: string | undefined, perMinute: number): Promise<void>;
}

/** Who tries to log in, and from where. */
export interface LoginAttempt {
  /** Normalised, so that all spellings share one counter; counted whether the user exists or not. */
  readonly username: string;
  readonly address?: string;
}

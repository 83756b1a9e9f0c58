/** Randomness, as a port. */
export interface Random {
  /** A fraction in [0, 1). */
  fraction(): number;
  /** Bytes fit for secrets. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

/** The randomness of the machine. */
export const systemRandom: Random = {
  fraction: () => Math.random(),
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

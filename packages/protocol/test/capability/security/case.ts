import type { ErrorCode } from "../../../src/index.ts";

/** One row of the catalogue of attacks: what is tried, and what must come of it. */
export interface Row {
  /** The id in the catalogue, with a name for this variant of it. */
  readonly id: string;
  /** Builds the hostile input and shows it; the result does not matter, the refusal does. */
  readonly build: () => Promise<unknown>;
  readonly expect: "accepted" | ErrorCode;
  /** Members of the data that the refusal must have. */
  readonly data?: Readonly<Record<string, unknown>>;
}

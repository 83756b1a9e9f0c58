import type { Fetch } from "@countersign/protocol";

/** Which servers a fetch may reach, and whom it believes. */
export interface Reach {
  /** Whether private, loopback and link-local addresses may be connected to. */
  readonly allowPrivate: boolean;
  /** PEM of the authorities that the server's certificate has to lead to. @default those of the platform */
  readonly ca?: string;
}

/** How an authority reaches the servers of trusted issuers. Follows no redirect. */
export type Network = (reach: Reach) => Fetch;

/** Of an authority that was made without a network: what has to be fetched cannot be had. */
export const noNetwork: Network = () => async () => {
  throw new Error("Cannot fetch: the authority was made without a network");
};

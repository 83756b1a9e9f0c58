/** What one server allows its peers. Times in milliseconds. */
export interface ServerLimits {
  /** From the first byte to the end of the headers. @default 5000 */
  readonly headersMs: number;
  /** From the first byte to the end of the body. @default 10000 */
  readonly requestMs: number;
  /** How often the two are checked. @default 1000 */
  readonly checkEveryMs: number;
  /** How long an idle connection is kept for the next request. @default 5000 */
  readonly keepAliveMs: number;
  /** A connection on which nothing moves for so long is cut: also one that does not read its response. @default 30000 */
  readonly silenceMs: number;
  /** How long a connection is still read after its last response. @default 1000 */
  readonly lingerMs: number;
  /** TLS handshake. @default 5000 */
  readonly handshakeMs: number;
  /** @default 10000 */
  readonly connections: number;
  /** Requests on one connection; the next gets a new one. @default 10000 */
  readonly requestsPerConnection: number;
  /** Requests of one connection that are worked on at once; the others wait until a response has left. @default 4 */
  readonly requestsAtOnce: number;
  /** Requests on one connection whose responses have not left; the last of so many ends the connection. @default 16 */
  readonly requestsUnanswered: number;
  /** All header lines of a request together. @default 16384 */
  readonly headerBytes: number;
  /** @default 65536 */
  readonly bodyBytes: number;
}

/** The limits of a server that is told nothing. */
export const defaultServerLimits: ServerLimits = {
  headersMs: 5000,
  requestMs: 10_000,
  checkEveryMs: 1000,
  keepAliveMs: 5000,
  silenceMs: 30_000,
  lingerMs: 1000,
  handshakeMs: 5000,
  connections: 10_000,
  requestsPerConnection: 10_000,
  requestsAtOnce: 4,
  requestsUnanswered: 16,
  headerBytes: 16_384,
  bodyBytes: 65_536,
};

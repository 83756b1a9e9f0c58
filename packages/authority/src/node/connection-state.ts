import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Connection } from "../caller.ts";
import type { Verdict } from "./judge.ts";

/** One request, its number on its connection, and where its response goes. */
export interface PendingRequest {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly state: ConnectionState;
  readonly number: number;
  readonly hasBody: boolean;
  readonly verdict: Verdict;
}

/** What the server remembers of one socket, over all the requests that come on it. */
export interface ConnectionState {
  readonly connection: Connection;
  /** Requests that came so far. */
  requests: number;
  /** Requests that were accepted and wait until fewer are worked on. */
  readonly waiting: PendingRequest[];
  /** Requests that are worked on, or whose responses have not left. */
  begun: number;
  /** Requests that are worked on, and were read whole. */
  responding: number;
  /** The last request has come: what still arrives is not read as a request. */
  closing: boolean;
  /** The last response was given: nothing more is sent. */
  ended: boolean;
}

/**
 * Knows the peer of each socket. A client certificate is passed on as the handshake proved it; `trusted` says that its
 * chain leads to a configured authority, which it cannot when none is configured: the machine's own roots, meant for
 * servers of the web, are no ground to trust a client.
 */
export function connectionStates(options: {
  readonly clientAuthorities: boolean;
}): (socket: Socket) => ConnectionState {
  const states = new WeakMap<Socket, ConnectionState>();
  return (socket) => {
    const known = states.get(socket);
    if (known !== undefined) return known;
    const state: ConnectionState = {
      connection: connectionOf(socket, options.clientAuthorities),
      requests: 0,
      waiting: [],
      begun: 0,
      responding: 0,
      closing: false,
      ended: false,
    };
    states.set(socket, state);
    return state;
  };
}

function connectionOf(socket: Socket, clientAuthorities: boolean): Connection {
  const address = socket.remoteAddress === undefined ? {} : { address: socket.remoteAddress };
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  if (certificate === undefined || !(socket instanceof TLSSocket)) return address;
  const trusted = clientAuthorities && socket.authorized;
  return { ...address, certificate: { der: new Uint8Array(certificate.raw), trusted } };
}

/**
 * Makes the last request that came the last of its connection. RFC 9112 section 9.3.2: a client sends again what it
 * pipelined and was given no response to.
 */
export function endAfter(socket: Socket, state: ConnectionState): void {
  if (state.closing) return;
  state.closing = true;
  ignoreFurther(socket);
}

/** Requests ignored before the connection is cut: parsing each takes time of the event loop. */
const MAX_IGNORED = 1000;

/**
 * Takes no further request from a connection, and reads on, so that what is still owed reaches a client that pipelined.
 * Node parses all the requests that arrive in one piece, hundreds of them, and keeps each until those before it are
 * answered; it has no public way to stop that, so its parser is told to keep none.
 */
function ignoreFurther(socket: Socket & { readonly parser?: Parser | null }): void {
  let ignored = 0;
  const { parser } = socket;
  // A closed connection has no parser.
  if (!parser) return;
  parser.onIncoming = (incoming) => {
    ignored += 1;
    if (ignored > MAX_IGNORED) socket.destroy();
    else incoming.resume();
    return 0;
  };
}

/** Node's parser of a connection, of which the types say nothing. */
interface Parser {
  onIncoming: (incoming: IncomingMessage) => number;
}

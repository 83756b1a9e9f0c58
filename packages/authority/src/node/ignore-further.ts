import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

/** Each takes a moment of everybody's time. */
const maxIgnored = 1000;

/**
 * Takes no further request from a connection, and reads on, so that what is still owed reaches a client that pipelined.
 * Node parses all the requests that arrive in one piece, hundreds of them, and keeps each until those before it are
 * answered; it has no public way to stop that, so its parser is told to keep none.
 */
export function ignoreFurther(socket: Socket): void {
  let ignored = 0;
  const parser = parserOf(socket);
  if (parser === undefined) return;
  parser.onIncoming = (incoming) => {
    ignored += 1;
    if (ignored > maxIgnored) socket.destroy();
    else incoming.resume();
    return 0;
  };
}

/** Node's parser of a connection, of which the types say nothing. */
interface Parser {
  onIncoming: (incoming: IncomingMessage) => number;
}

function parserOf(socket: Socket & { readonly parser?: unknown }): Parser | undefined {
  const { parser } = socket;
  return isParser(parser) ? parser : undefined;
}

function isParser(value: unknown): value is Parser {
  return typeof value === "object" && value !== null && "onIncoming" in value;
}

/**
 * The parts of `node:http` that make servers. An import of that module would make its `WebSocket` too, and with that a
 * whole fetch client: 12 MB and some 40 ms for what nobody here uses.
 */
export const { createServer, STATUS_CODES } = process.getBuiltinModule("node:http");

import type { Socket } from "node:net";

/**
 * Makes the socket, once its answer is written, say so and go on reading for a moment before it is destroyed. Destroyed
 * at once with unread bytes it would send a reset, which may reach the sender before the answer does
 * (RFC 9112 section 9.6).
 */
export function closeGently(socket: Socket, lingerMs: number): void {
  socket.destroySoon = () => {
    socket.end();
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    socket.once("close", () => clearTimeout(timer));
  };
}

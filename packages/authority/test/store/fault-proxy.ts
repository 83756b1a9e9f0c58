import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** What a proxy does with what passes through it. */
export type ProxyMode =
  /** Passes everything on. */
  | "pass"
  /** Cuts a connection when the server answers a request that holds the needle: it was done, and nobody is told. */
  | "lose answer"
  /** Cuts a connection before a request that holds the needle gets to the server: it was never done. */
  | "lose request"
  /** Lets connections in and passes nothing on, either way. */
  | "black hole"
  /** Lets nobody in, and cuts who is. */
  | "partition";

/** Stands between a node and a store, and breaks the connections between them. */
export class FaultProxy implements AsyncDisposable {
  readonly port: number;
  mode: ProxyMode = "pass";
  /** How many faults there will be of the modes that lose something; then it passes everything on. */
  left = Number.POSITIVE_INFINITY;
  /** How many there were. */
  faults = 0;
  /** New connections wait for it. */
  gate: Promise<unknown> = Promise.resolve();
  readonly #needle: string;
  readonly #server;
  readonly #sockets = new Set<Socket>();

  /** @param needle what the requests hold that are lost, and no others */
  static async start(target: number, needle: string): Promise<FaultProxy> {
    const proxy = createServer({ noDelay: true });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    // listen() on a port gives an address of this kind.
    return new FaultProxy(proxy, (proxy.address() as AddressInfo).port, { target, needle });
  }

  private constructor(server: ReturnType<typeof createServer>, port: number, to: { target: number; needle: string }) {
    this.port = port;
    this.#needle = to.needle;
    this.#server = server;
    server.on("connection", (socket) => this.#join(socket, to.target));
  }

  /** Cuts every connection now. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(near: Socket, target: number): void {
    this.#hold(near);
    if (this.mode === "partition") return void near.resetAndDestroy();
    void this.gate.then(() => {
      if (near.destroyed) return;
      const far = connect({ port: target, host: "127.0.0.1", noDelay: true });
      this.#hold(far);
      let doomed = false;
      near.on("data", (chunk) => {
        if (this.mode === "black hole") return;
        const isMarked = chunk.includes(this.#needle) && this.left > 0;
        if (isMarked && this.mode === "lose request") return this.#fault(near, far);
        if (isMarked && this.mode === "lose answer") {
          doomed = true;
          this.left -= 1;
        }
        far.write(chunk);
      });
      far.on("data", (chunk) => {
        if (this.mode === "black hole") return;
        if (doomed) return this.#fault(near, far);
        near.write(chunk);
      });
      near.on("close", () => far.destroy());
      far.on("close", () => near.destroy());
    });
  }

  #fault(near: Socket, far: Socket): void {
    this.faults += 1;
    if (this.mode === "lose request") this.left -= 1;
    near.resetAndDestroy();
    far.destroy();
  }

  #hold(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {});
  }
}

// What the Node entry uses of Node, so that the rest of this package compiles without its types. The tests compile the same
// files against the real ones.
declare module "node:fs/promises" {
  export function readFile(path: string): Promise<Uint8Array>;
  export function writeFile(path: string, bytes: Uint8Array): Promise<void>;
  export function mkdir(path: string): Promise<void>;
  export function rmdir(path: string): Promise<void>;
}

declare module "node:http" {
  interface Answer {
    readonly statusCode?: number;
    setEncoding(encoding: "utf8"): void;
    on(event: "data", listener: (part: string) => void): void;
    on(event: "end", listener: () => void): void;
    on(event: "error", listener: (error: Error) => void): void;
  }
  interface Sent {
    on(event: "timeout", listener: () => void): void;
    on(event: "error", listener: (error: Error) => void): void;
    end(text: string): void;
    destroy(error: Error): void;
  }
  export function request(
    options: {
      readonly socketPath: string;
      readonly path: string;
      readonly method: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly timeout: number;
    },
    listener: (answer: Answer) => void,
  ): Sent;
}

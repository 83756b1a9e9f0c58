// The slices of Node that main.ts uses, so that this package compiles without the types of Node.
declare module "node:fs/promises" {
  export function readFile(path: string): Promise<Uint8Array>;
}

declare module "node:module" {
  export function createRequire(url: string): (path: string) => { readonly version: string };
}

declare module "node:process" {
  interface Output {
    write(text: string): void;
    on(event: "error", listener: (error: Error & { readonly code?: string }) => void): void;
  }
  const process: {
    readonly argv: readonly string[];
    readonly stdin: AsyncIterable<Uint8Array>;
    readonly stdout: Output;
    readonly stderr: Output;
    readonly exit: (status: number) => never;
    exitCode: number | undefined;
  };
  // biome-ignore lint/style/noDefaultExport: this is how node:process is exported
  export default process;
}

interface ImportMeta {
  readonly url: string;
}

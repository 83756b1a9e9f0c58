// The slices of Node that main.ts uses, so that this package compiles without the types of Node.
declare module "node:fs/promises" {
  export function readFile(path: string): Promise<Uint8Array>;
}

declare module "node:process" {
  const process: {
    readonly argv: readonly string[];
    readonly stdin: AsyncIterable<Uint8Array>;
    readonly stdout: { write(text: string): void };
    readonly stderr: { write(text: string): void };
    exitCode: number | undefined;
  };
  // biome-ignore lint/style/noDefaultExport: this is how node:process is exported
  export default process;
}

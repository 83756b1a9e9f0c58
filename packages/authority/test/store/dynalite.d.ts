declare module "dynalite" {
  import type { Server } from "node:http";

  const createServer: (options: { readonly createTableMs: number }) => Server;

  // biome-ignore lint/style/noDefaultExport: describes a module that has one.
  export { createServer as default };
}

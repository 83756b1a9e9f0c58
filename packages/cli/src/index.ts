export { runCli } from "./cli.ts";
export type { Input, Output, Signal, World } from "./world.ts";

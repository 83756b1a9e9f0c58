import type { Command } from "../command.ts";
import { serve } from "./serve.ts";

/** Every command: one row each. */
export const commands: readonly Command[] = [serve];

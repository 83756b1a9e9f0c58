import { existsSync, readFileSync } from "node:fs";
import { idOf, type Mutant, type MutantName } from "./mutants.ts";

/** A mutant that no test can kill, and why. */
export interface Accepted extends MutantName {
  readonly reason: string;
}

export function readAccepted(file: string): readonly Accepted[] {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : [];
}

/** Those of the list that name no code any more, or give no reason. */
export function staleAccepted(accepted: readonly Accepted[], mutants: readonly Mutant[]): readonly Accepted[] {
  const existing = new Set(mutants.map(idOf));
  return accepted.filter((entry) => !existing.has(idOf(entry)) || entry.reason.trim() === "");
}

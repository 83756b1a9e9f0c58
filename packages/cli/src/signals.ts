import type { Signal } from "./world.ts";

/** Hears a signal in place of the launcher, which ends the process at one for as long as nothing is at work here. */
export function hear(signal: Signal, listener: () => void): void {
  const before = process.listeners(signal);
  // In this order: without any listener a signal would have its default effect.
  process.on(signal, listener);
  for (const one of before) process.off(signal, one);
}

/** Node would open a debugger, through which any program of this user could read keys and passwords. */
export function refuseDebugger(): void {
  process.on("SIGUSR1", () => {});
}

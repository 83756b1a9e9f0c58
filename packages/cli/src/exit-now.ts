/**
 * Ends the process with a code and without waiting for its threads, which `process.exit` joins: one of them may be inside
 * a sync that takes its time. What takes the place of this process does nothing but end.
 */
export function exitNow(code: number): never {
  const { execPath, platform } = process;
  if (platform === "win32") process.exit(code);
  process.execve?.(execPath, [execPath, "-e", `process.exit(${code})`], {});
  process.exit(code);
}

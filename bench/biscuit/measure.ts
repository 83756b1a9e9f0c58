/** Something to measure: many calls in a row, synchronous or not. */
export interface Subject {
  readonly run: (call: number) => unknown;
  /** Calls in one round: enough for the time of a thread, which systems count in steps of up to 4 ms. */
  readonly calls: number;
}

/** Time that this thread has worked so far. */
export const threadUs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return user + system;
};

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function round({ run, calls }: Subject, offset: number): Promise<number> {
  const first = run(offset);
  if (first instanceof Promise) {
    await first;
    const startedAt = performance.now();
    for (let i = 1; i <= calls; i++) await run(offset + i);
    return ((performance.now() - startedAt) * 1000) / calls;
  }
  const before = threadUs();
  for (let i = 1; i <= calls; i++) run(offset + i);
  return (threadUs() - before) / calls;
}

/**
 * Measures the subjects in turns, so that what disturbs one disturbs all; the first rounds are left out. For each subject
 * the microseconds of one call, round by round: of this thread alone for what is synchronous, on the clock otherwise.
 */
export async function measure(subjects: readonly Subject[], rounds: number, warmUp = 2): Promise<number[][]> {
  const samples = subjects.map((): number[] => []);
  for (let i = 0; i < rounds + warmUp; i++) {
    for (const [s, subject] of subjects.entries()) {
      const spent = await round(subject, i * (subject.calls + 1));
      if (i >= warmUp) samples[s]?.push(spent);
    }
  }
  return samples;
}

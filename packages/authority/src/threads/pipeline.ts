/** How jobs travel to a thread. */
export interface PipelineOptions<Job> {
  /** Sends a batch to the thread, in one message. */
  readonly send: (jobs: readonly Job[]) => void;
  /** So many jobs go off at once; fewer wait for the end of the turn, so that what arrived together goes together. */
  readonly batchSize: number;
  /** Told when the last result has come. */
  readonly onIdle: () => void;
}

interface Waiter<Result> {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Jobs on their way through a thread and back. A message costs more than a small job does, so jobs go in batches; and
 * several batches are on their way at once, so that the thread works while the loop is still busy with the next jobs.
 * The thread answers in order.
 */
export class Pipeline<Job, Result> {
  readonly #options: PipelineOptions<Job>;
  #gathered: Job[] = [];
  #waiters: Waiter<Result>[] = [];
  #settled = 0;
  #scheduled = false;

  constructor(options: PipelineOptions<Job>) {
    this.#options = options;
  }

  /** Jobs without a result. */
  get size(): number {
    return this.#waiters.length - this.#settled;
  }

  submit(job: Job): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#gathered.push(job);
      if (this.#gathered.length >= this.#options.batchSize) this.#send();
      else this.#schedule();
    });
  }

  /** Answers the jobs that waited longest, one each. */
  settle(results: readonly (Result | Error)[]): void {
    for (const result of results) {
      const waiter = this.#waiters[this.#settled++];
      if (result instanceof Error) waiter?.reject(result);
      else waiter?.resolve(result);
    }
    this.#forgetAnswered();
  }

  /** Rejects every job, sent or not: the thread is gone. */
  fail(error: Error): void {
    this.#gathered = [];
    this.settle(Array.from({ length: this.size }, () => error));
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#gathered.length > 0) this.#send();
    });
  }

  #send(): void {
    const jobs = this.#gathered;
    this.#gathered = [];
    this.#options.send(jobs);
  }

  #forgetAnswered(): void {
    if (this.size === 0) this.#options.onIdle();
    if (this.#settled < this.#waiters.length / 2) return;
    this.#waiters = this.#waiters.slice(this.#settled);
    this.#settled = 0;
  }
}

import { type Clock, monotonicOf } from "./ports.ts";

/** A `Date` header has whole seconds, and the network adds its latency: smaller differences are noise. */
const NOISE_MS = 2_000;

interface Sample {
  readonly skewMs: number;
  readonly clockOffset: number;
}

/** How far each server's clock is ahead of ours, learnt from its responses. */
export class SkewEstimate {
  readonly #samples = new Map<string, Sample>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes the server's time of a response, which lies between sending and receiving. */
  observe(issuer: string, serverAt: number, sentAt: number, receivedAt: number): void {
    const differenceMs = serverAt - (sentAt + receivedAt) / 2;
    const skewMs = Math.abs(differenceMs) < NOISE_MS + (receivedAt - sentAt) / 2 ? 0 : Math.round(differenceMs);
    this.#samples.set(issuer, { skewMs, clockOffset: this.#offset() });
  }

  /** Server time minus ours; undefined when not known, or when our clock was set since. */
  get(issuer: string): number | undefined {
    const sample = this.#samples.get(issuer);
    if (sample === undefined || Math.abs(this.#offset() - sample.clockOffset) > NOISE_MS) return undefined;
    return sample.skewMs;
  }

  /** Now by that server's clock. */
  serverNow(issuer: string): number {
    return this.#clock.now() + (this.get(issuer) ?? 0);
  }

  /** The wall clock moves against the monotonic clock only when it is set, or the machine sleeps. */
  #offset(): number {
    return this.#clock.now() - monotonicOf(this.#clock);
  }
}

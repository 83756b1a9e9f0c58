/** Numbers that look random and are the same for the same seed (mulberry32). */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Next = (below: number) => number;
type Mutation = (bytes: Uint8Array, next: Next) => Uint8Array;

const splice = (bytes: Uint8Array, at: number, removed: number, added: Uint8Array): Uint8Array =>
  Uint8Array.from([...bytes.subarray(0, at), ...added, ...bytes.subarray(at + removed)]);

/** What may happen to bytes on their way. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  "flip a bit": (bytes, next) => {
    const at = next(bytes.length);
    return splice(bytes, at, 1, Uint8Array.of((bytes[at] ?? 0) ^ (1 << next(8))));
  },
  "set a byte": (bytes, next) => splice(bytes, next(bytes.length), 1, Uint8Array.of(next(256))),
  "set a length": (bytes, next) =>
    splice(bytes, next(bytes.length), 1, Uint8Array.of([0, 1, 0x7f, 0x80, 0x82, 0xff][next(6)] ?? 0)),
  remove: (bytes, next) => splice(bytes, next(bytes.length), 1 + next(40), new Uint8Array()),
  insert: (bytes, next) =>
    splice(
      bytes,
      next(bytes.length),
      0,
      Uint8Array.from({ length: 1 + next(8) }, () => next(256)),
    ),
  repeat: (bytes, next) => {
    const at = next(bytes.length);
    return splice(bytes, at, 0, bytes.subarray(at, at + 1 + next(300)));
  },
  "move a piece": (bytes, next) => {
    const at = next(bytes.length);
    const piece = bytes.slice(at, at + 1 + next(64));
    return splice(splice(bytes, at, piece.length, new Uint8Array()), next(bytes.length - piece.length), 0, piece);
  },
  truncate: (bytes, next) => bytes.subarray(0, next(bytes.length)),
};

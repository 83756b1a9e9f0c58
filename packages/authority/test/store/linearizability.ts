/** What one client did with one key, between two instants of a clock that all clients share. Values are unique in a history. */
export interface Operation {
  readonly key: string;
  /** A read; a write where `expected` was there; or a removal. `undefined` is "nothing there". */
  readonly kind: "get" | "swap" | "take";
  readonly invokedAt: number;
  /** Infinity where there was no answer: it may have happened at any time since, or never. */
  readonly returnedAt: number;
  readonly expected?: string | undefined;
  readonly written?: string | undefined;
  /** What a read or a removal found. */
  readonly found?: string | undefined;
  /** Whether a write was done; `undefined` without an answer. */
  readonly isDone?: boolean | undefined;
}

/** What a key holds after an operation that was answered so; `false` where it could not have been. */
function apply(state: string | undefined, operation: Operation): { readonly state: string | undefined } | false {
  const { kind, found, expected, written, isDone } = operation;
  if (kind === "get") return found === state && { state };
  if (kind === "take")
    return operation.returnedAt === Number.POSITIVE_INFINITY
      ? { state: undefined }
      : found === state && { state: undefined };
  const isMet = expected === state;
  if (isDone === undefined) return { state: isMet ? written : state };
  return isMet === isDone && { state: isDone ? written : state };
}

/**
 * The keys whose history no order of its operations explains (Wing and Gong's search, with the memory of states that Lowe and
 * Porcupine give it). Keys are independent, so each is searched alone.
 */
export function unexplained(history: readonly Operation[]): readonly string[] {
  const byKey = Map.groupBy(history, ({ key }) => key);
  return [...byKey].filter(([, operations]) => !isLinearizable(operations)).map(([key]) => key);
}

function isLinearizable(operations: readonly Operation[]): boolean {
  const sorted = operations.toSorted((a, b) => a.invokedAt - b.invokedAt);
  const done = new Set<number>();
  const seen = new Set<string>();
  const search = (state: string | undefined): boolean => {
    if (sorted.every((operation, place) => done.has(place) || operation.returnedAt === Number.POSITIVE_INFINITY))
      return true;
    const mark = `${[...done].sort((a, b) => a - b).join(",")};${state}`;
    if (seen.has(mark)) return false;
    seen.add(mark);
    // An operation may be next when none that is left had returned before it began.
    const firstReturn = sorted.reduce(
      (least, { returnedAt }, place) => (done.has(place) ? least : Math.min(least, returnedAt)),
      Number.POSITIVE_INFINITY,
    );
    for (const [place, operation] of sorted.entries()) {
      if (operation.invokedAt > firstReturn) break;
      if (done.has(place)) continue;
      const next = apply(state, operation);
      if (next === false) continue;
      done.add(place);
      if (search(next.state)) return true;
      done.delete(place);
    }
    return false;
  };
  return search(undefined);
}

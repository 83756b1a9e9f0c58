/** Something to do in one of two ways: at once, or asynchronously. */
export interface Action<Result> {
  readonly now: () => Result;
  readonly later: () => Promise<Result>;
}

/** A computation that asks for actions on its way; written once, run in either way. */
export type Steps<Result> = Generator<Action<unknown>, Result, unknown>;

/** Asks for an action within {@link Steps}. */
export function* perform<Result>(action: Action<Result>): Steps<Result> {
  // Both runners answer a yielded action with that action's own result.
  return (yield action) as Result;
}

/**
 * Two actions, side by side where they are asynchronous. The second result comes as a function, so that its failure counts
 * only once the first result has been judged.
 */
export function both<First, Second>(
  first: Action<First>,
  second: Action<Second>,
): Action<readonly [First, () => Second]> {
  return {
    now: () => [first.now(), second.now],
    later: () =>
      Promise.all([
        first.later(),
        second.later().then(
          (value) => () => value,
          (error) => () => {
            throw error;
          },
        ),
      ]),
  };
}

/** Runs steps at once. */
export function runNow<Result>(steps: Steps<Result>): Result {
  let state = steps.next();
  while (!state.done) state = steps.next(state.value.now());
  return state.value;
}

/** Runs steps asynchronously. */
export async function runLater<Result>(steps: Steps<Result>): Promise<Result> {
  let state = steps.next();
  while (!state.done) state = steps.next(await state.value.later());
  return state.value;
}

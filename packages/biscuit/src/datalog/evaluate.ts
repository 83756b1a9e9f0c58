import { ExpressionError } from "../errors.ts";
import { Closure, type Step } from "./compile.ts";
import { failure } from "./failures.ts";
import { applyBinary, applyUnary, callExtern, type EvaluationContext, operandsFailure } from "./operations.ts";
import type { BinaryName } from "./operators.ts";
import { elementsOf, type Term, TermMap } from "./term.ts";

type Operand = Term | Closure;

/** Whether the closure holds for all items, or for any; the first answer that settles it ends the search. */
function quantify(op: "all" | "any", term: Term, closure: Closure, slots: Term[], context: EvaluationContext): boolean {
  const decisive = op === "any";
  const items = elementsOf(term);
  if (items === undefined) throw operandsFailure(op, term, closure);
  if (term instanceof TermMap) context.fuel.spend(items.length);
  for (const item of items) {
    context.fuel.spend(1);
    slots[closure.slot] = item;
    const verdict = evaluate(closure.steps, slots, context);
    if (typeof verdict !== "boolean") throw failure.condition(verdict);
    if (verdict === decisive) return decisive;
  }
  return !decisive;
}

/** Raising an error and catching it takes about as long as this many steps. */
const FAILURE_COST = 100;

function tryOr(fallback: Term, closure: Closure, slots: Term[], context: EvaluationContext): Term {
  try {
    return evaluate(closure.steps, slots, context);
  } catch (error) {
    // Only a failed expression has a fallback; a spent limit must end the evaluation.
    if (!(error instanceof ExpressionError)) throw error;
    context.fuel.spend(FAILURE_COST);
    return fallback;
  }
}

function applyLazy(op: BinaryName, term: Term, closure: Closure, slots: Term[], context: EvaluationContext): Term {
  if (op === "try_or") return tryOr(term, closure, slots, context);
  if (typeof term !== "boolean" || (op !== "&&" && op !== "||")) throw operandsFailure(op, term, closure);
  return term === (op === "||") ? term : evaluate(closure.steps, slots, context);
}

function applyClosure(op: BinaryName, term: Term, closure: Closure, slots: Term[], context: EvaluationContext): Term {
  if (closure.shadows) throw failure.shadowed();
  if (closure.arity === 0) return applyLazy(op, term, closure, slots, context);
  if (closure.arity !== 1 || (op !== "all" && op !== "any")) throw operandsFailure(op, term, closure);
  return quantify(op, term, closure, slots, context);
}

function binary(step: Step & { kind: "binary" }, stack: Operand[], slots: Term[], context: EvaluationContext): Term {
  const right = stack.pop();
  const left = stack.pop();
  if (left === undefined || right === undefined) throw failure.stack();
  if (right instanceof Closure) {
    if (left instanceof Closure) throw failure.stack();
    return applyClosure(step.op, left, right, slots, context);
  }
  if (left instanceof Closure) return applyClosure(step.op, right, left, slots, context);
  if (step.extern !== undefined) return callExtern(step.extern, left, right, context);
  return applyBinary(step.op, left, right, context);
}

function unary(step: Step & { kind: "unary" }, stack: Operand[], context: EvaluationContext): Term {
  const operand = stack.pop();
  if (operand === undefined || operand instanceof Closure) throw failure.stack();
  if (step.extern !== undefined) return callExtern(step.extern, operand, undefined, context);
  return applyUnary(step.op, operand, context);
}

function operandOf(step: Step, stack: Operand[], slots: Term[], context: EvaluationContext): Operand {
  switch (step.kind) {
    case "value":
      return step.term;
    case "slot":
      return slots[step.slot] ?? null;
    case "closure":
      return step;
    case "unary":
      return unary(step, stack, context);
    case "binary":
      return binary(step, stack, slots, context);
    case "unbound":
      throw failure.unknownVariable(step.name);
  }
}

/**
 * Evaluates an expression over the values in `slots`.
 *
 * Recursion is as deep as closures nest, which the decoder and the parser limit.
 *
 * @throws {ExpressionError} when it has no value; {@link LimitError} when fuel runs out.
 */
export function evaluate(steps: readonly Step[], slots: Term[], context: EvaluationContext): Term {
  const stack: Operand[] = [];
  for (const step of steps) {
    context.fuel.spend(1);
    stack.push(operandOf(step, stack, slots, context));
  }
  const result = stack[0];
  if (result === undefined || stack.length !== 1 || result instanceof Closure) throw failure.stack();
  return result;
}

import { ExpressionError } from "../errors.ts";
import { type Term, typeName } from "./term.ts";

/** What an operator met: a value, or the name of something that is none. */
type Operand = { readonly term: Term } | "a closure";

const describe = (operand: Operand): string => (typeof operand === "string" ? operand : typeName(operand.term));

/** The failures of expressions, one maker each. */
export const failure = {
  type: (operator: string, ...operands: readonly Operand[]): ExpressionError =>
    new ExpressionError("invalid_type", `Cannot apply ${operator} to ${operands.map(describe).join(" and ")}`),
  condition: (term: Term): ExpressionError =>
    new ExpressionError("invalid_type", `Cannot take a value of type ${typeName(term)} for true or false`),
  stack: (): ExpressionError =>
    new ExpressionError("invalid_stack", "Cannot evaluate an expression that does not leave one value"),
  overflow: (): ExpressionError =>
    new ExpressionError("overflow", "Cannot hold the result of integer arithmetic in 64 bits"),
  division: (): ExpressionError => new ExpressionError("divide_by_zero", "Cannot divide by zero"),
  shadowed: (): ExpressionError =>
    new ExpressionError("shadowed_variable", "Cannot name the parameter of a closure like a variable in scope"),
  unknownVariable: (name: string): ExpressionError =>
    new ExpressionError("unknown_variable", `Cannot find a value for the variable $${name}`, name),
  undefinedExtern: (name: string): ExpressionError =>
    new ExpressionError("undefined_extern", `Cannot find the extern function ${name}`, name),
  externFailed: (name: string, reason: string): ExpressionError =>
    new ExpressionError("extern_failed", `Cannot finish the extern function ${name} (${reason})`, [name, reason]),
} as const;

import type { Node, VisitorObject } from "./syntax.ts";

/** One change of a text. `reachedAt` is the offset that a test must execute for the change to matter to it. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly becomes: string;
  readonly reachedAt: number;
}

export interface Found {
  readonly text: string;
  readonly add: (edit: Edit) => void;
}

/** A way to take a guard away: visitors that find it in the syntax. */
export type Kind = (found: Found) => VisitorObject;

/** Every kind of mutant by name. `boundary` is asked for by an option. */
export const kinds = {
  guard: removeGuards,
  throw: removeThrows,
  call: removeGuardCalls,
  operand: neutralizeOperands,
  not: dropNots,
  choice: fixChoices,
  verdict: fixVerdicts,
  boundary: moveBoundaries,
} satisfies Record<string, Kind>;

export type KindName = keyof typeof kinds;

/** `if (…) throw …;`, `if (…) return …;` and blocks that end so. */
function removeGuards({ add }: Found): VisitorObject {
  return {
    IfStatement(node) {
      if (node.alternate === null && leaves(node.consequent)) remove(node, add, node.consequent.start);
    },
  };
}

/** A `throw` that no `if` alone decides: at the end of a function, in a `switch`, an `else` or a `catch`. */
function removeThrows({ add }: Found): VisitorObject {
  const decided = new Set<number>();
  return {
    IfStatement(node) {
      if (node.alternate === null) decided.add(lastOf(node.consequent).start);
    },
    ThrowStatement(node) {
      if (!decided.has(node.start)) remove(node, add);
    },
  };
}

const guardName = /(?:^|\.)#?(?:refuse|check|require|assert|ensure|verify|guard|deny|reject|revoke|must|throwIf)\w*$/;

/** `refuseX(…);` and `await checkX(…);` as statements. */
function removeGuardCalls({ text, add }: Found): VisitorObject {
  return {
    ExpressionStatement(node) {
      const call = node.expression.type === "AwaitExpression" ? node.expression.argument : node.expression;
      if (call.type === "CallExpression" && guardName.test(textOf(call.callee, text))) remove(node, add);
    },
  };
}

/** Each operand of `&&` becomes true, each of `||` false. */
function neutralizeOperands({ add }: Found): VisitorObject {
  return {
    LogicalExpression({ operator, left, right }) {
      if (operator === "??") return;
      const isPartOfChain = left.type === "LogicalExpression" && left.operator === operator;
      for (const operand of isPartOfChain ? [right] : [left, right]) {
        replace(operand, operator === "&&" ? "true" : "false", add);
      }
    },
  };
}

function dropNots({ text, add }: Found): VisitorObject {
  return {
    UnaryExpression(node) {
      if (node.operator === "!") replace(node, textOf(node.argument, text), add);
    },
  };
}

/** `… ? verdict : refusal`: the condition becomes true, and false. */
function fixChoices({ text, add }: Found): VisitorObject {
  return {
    ConditionalExpression({ test, consequent, alternate }) {
      if (![consequent, alternate].some((branch) => isRefusal(branch, text))) return;
      for (const verdict of ["true", "false"]) replace(test, verdict, add);
    },
  };
}

const comparisons = new Set(["===", "!==", "<", "<=", ">", ">=", "in", "instanceof"]);

/** `return a === b;` and `() => a === b`: the answer becomes true, and false. */
function fixVerdicts({ add }: Found): VisitorObject {
  const fix = (node: Node | null) => {
    if (node?.type !== "BinaryExpression" || !comparisons.has(node.operator)) return;
    for (const verdict of ["true", "false"]) replace(node, verdict, add);
  };
  return { ReturnStatement: (node) => fix(node.argument), ArrowFunctionExpression: (node) => fix(node.body) };
}

const boundaries = new Map([
  ["<", "<="],
  ["<=", "<"],
  [">", ">="],
  [">=", ">"],
]);

function moveBoundaries({ text, add }: Found): VisitorObject {
  return {
    BinaryExpression(node) {
      const operator = boundaries.get(node.operator);
      if (operator !== undefined)
        replace(node, `${textOf(node.left, text)} ${operator} ${textOf(node.right, text)}`, add);
    },
  };
}

const leaving = new Set(["ThrowStatement", "ReturnStatement", "ContinueStatement", "BreakStatement"]);

function leaves(statement: Node): boolean {
  return leaving.has(lastOf(statement).type);
}

function lastOf(statement: Node): Node {
  return statement.type === "BlockStatement" ? (statement.body.at(-1) ?? statement) : statement;
}

/** Nothing, a bare verdict, a sentence or what a refusing function makes. */
function isRefusal(branch: Node, text: string): boolean {
  return /^(?:undefined$|null$|false$|true$|\[\]$|refuse|["'`][^"'`]* )/.test(textOf(branch, text));
}

function remove({ start, end }: Node, add: Found["add"], reachedAt = start): void {
  add({ start, end, becomes: ";", reachedAt });
}

function replace({ start, end }: Node, becomes: string, add: Found["add"]): void {
  add({ start, end, becomes, reachedAt: start });
}

function textOf({ start, end }: Node, text: string): string {
  return text.slice(start, end);
}

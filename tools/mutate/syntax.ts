import { type Node, parseSync, Visitor, type VisitorObject } from "oxc-parser";

export type { Node, VisitorObject };

/** Whether a text is a TypeScript module that parses. */
export function parses(file: string, text: string): boolean {
  return parseSync(file, text).errors.length === 0;
}

/** Shows every node of a module to the visitors, parents first. Offsets are UTF-16 units of the text. */
export function visit(file: string, text: string, visitor: VisitorObject): void {
  new Visitor(visitor).visit(parseSync(file, text).program);
}

interface NamedRange {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** Gives the name of the innermost function around an offset; empty for the module itself. */
export function functionNames(file: string, text: string): (offset: number) => string {
  const ranges: NamedRange[] = [];
  const add = (name: Node | null, { start, end }: Node) => {
    if (name !== null) ranges.push({ name: text.slice(name.start, name.end), start, end });
  };
  visit(file, text, {
    FunctionDeclaration: (node) => add(node.id, node),
    MethodDefinition: (node) => add(node.key, node),
    PropertyDefinition: (node) => add(node.key, node),
    Property: (node) => {
      if (node.value.type === "ArrowFunctionExpression") add(node.key, node);
    },
    VariableDeclarator: (node) => {
      if (node.init?.type === "ArrowFunctionExpression") add(node.id, node);
    },
  });
  // A visitor meets parents first: the last range that holds the offset is the innermost.
  return (offset) => ranges.findLast(({ start, end }) => start <= offset && offset < end)?.name ?? "";
}

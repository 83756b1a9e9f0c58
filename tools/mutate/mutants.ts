import { type Edit, type KindName, kinds } from "./kinds.ts";
import { functionNames, visit } from "./syntax.ts";

/** What stays the same of a mutant when lines move: the list of accepted survivors is keyed by it. */
export interface MutantName {
  readonly file: string;
  /** The innermost function; empty for the module itself. */
  readonly inside: string;
  /** The code that changes, on one line. */
  readonly code: string;
  /** What it becomes; `;` for code that is removed. */
  readonly becomes: string;
  /** The second, third … of the same code in the same function. */
  readonly nth?: number;
}

/** A guard taken away. */
export interface Mutant extends MutantName, Pick<Edit, "start" | "end" | "reachedAt"> {
  readonly kind: KindName;
  readonly line: number;
}

/** Every mutant of one file, in the order of the text. */
export function mutantsOf(file: string, text: string, wanted: readonly KindName[]): readonly Mutant[] {
  const nameOf = functionNames(file, text);
  const counts = new Map<string, number>();
  return editsOf(file, text, wanted).map(([kind, { start, end, becomes, reachedAt }]) => {
    const line = text.slice(0, start).split("\n").length;
    const name = { file, inside: nameOf(start), code: onOneLine(text.slice(start, end)), becomes: onOneLine(becomes) };
    const nth = (counts.get(idOf(name)) ?? 0) + 1;
    counts.set(idOf(name), nth);
    return { ...name, ...(nth > 1 ? { nth } : {}), kind, line, start, end, reachedAt, becomes };
  });
}

/** The text with a mutant's change made. */
export function mutated(text: string, { start, end, becomes }: Mutant): string {
  return text.slice(0, start) + becomes + text.slice(end);
}

export function idOf({ file, inside, code, becomes, nth = 1 }: MutantName): string {
  return [file, inside, code, becomes, nth].join("\n");
}

function editsOf(file: string, text: string, wanted: readonly KindName[]): readonly (readonly [KindName, Edit])[] {
  const edits = wanted.flatMap((kind) => {
    const found: [KindName, Edit][] = [];
    visit(file, text, kinds[kind]({ text, add: (edit) => found.push([kind, edit]) }));
    return found;
  });
  return edits.sort(([, a], [, b]) => a.start - b.start);
}

function onOneLine(code: string): string {
  return code.replace(/\s+/g, " ");
}

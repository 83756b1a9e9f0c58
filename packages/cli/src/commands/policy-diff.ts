import type { Policy, PolicyDiff } from "@countersign/authority";
import type { Run } from "../command.ts";

/** The two that are compared; without one before there was no policy. */
export interface Compared {
  readonly before: Policy | undefined;
  readonly after: Policy;
}

/** Prints what two policies allow differently; resolves to in how many ways. */
export function printDiff({ print }: Pick<Run, "print">, diff: PolicyDiff, { before, after }: Compared): number {
  const rows = [
    ...diff.rules.map(({ change, rule }) => ({ change: `rule ${change}`, who: rule, what: "" })),
    ...diff.decisions.map(({ change, subject, what }) => ({ change, who: subject, what })),
  ];
  print.table(
    rows,
    { CHANGE: ({ change }) => change, "RULE OR SUBJECT": ({ who }) => who, WHAT: ({ what }) => what },
    { before: before === undefined ? null : nameOf(before), after: nameOf(after), ...diff },
  );
  if (diff.isPartial) {
    print.note(`countersign: warning: only the first ${diff.compared} requests were compared; there are more`);
  }
  return rows.length;
}

function nameOf({ version, hash }: Policy) {
  return { version, hash };
}

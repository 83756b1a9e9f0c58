/** What is wrong, by kind. An error makes a part of the policy void; a warning is probably not meant. */
export const findingTable = {
  unknown_key: "error",
  escalation: "warning",
  never_matches: "warning",
  duplicate: "warning",
  contradiction: "warning",
  not_anchored: "warning",
  open_to_all: "warning",
  unchecked: "warning",
} as const;

/** What a check of a policy found. */
export type FindingCode = keyof typeof findingTable;

/** Something in a policy that is probably not meant. */
export interface Finding {
  /** What kind of mistake it probably is. */
  readonly code: FindingCode;
  /** Whether it is certainly a mistake. */
  readonly severity: "error" | "warning";
  /** The rule by its name, or the place in the document. */
  readonly at: string;
  /** Where that is written: names of members and places in lists. */
  readonly path: readonly (string | number)[];
  /** What is wrong and how to mend it. */
  readonly message: string;
}

/** A finding before its severity is looked up. */
export type UnratedFinding = Omit<Finding, "severity">;

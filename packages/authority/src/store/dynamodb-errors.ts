import type { Failure } from "./store-failure.ts";

/** A condition of a request was not met, or several at once in a transaction. */
export interface Cancellation {
  /** One code for each action, in their order; `None` for those that are not to blame. */
  readonly codes: readonly string[];
  /** What was there, where the service says so. */
  readonly items: readonly (Attributes | undefined)[];
}

/** An item as the wire has it. */
export type Attributes = Readonly<Record<string, { readonly S?: string; readonly N?: string }>>;

/** What the service says was not done. Everything else that is not named here nobody knows. */
const failures: Readonly<Record<string, Failure>> = {
  ProvisionedThroughputExceededException: "refused",
  ThrottlingException: "refused",
  RequestLimitExceeded: "refused",
  LimitExceededException: "refused",
  ReplicatedWriteConflictException: "raced",
  TransactionConflictException: "raced",
  // The first copy of a transaction is still at work: it is asked for again under its token.
  TransactionInProgressException: "unknown",
  ExpiredTokenException: "refused",
  AccessDeniedException: "refused",
  UnrecognizedClientException: "refused",
  CredentialsProviderError: "refused",
  ResourceNotFoundException: "refused",
  ItemCollectionSizeLimitExceededException: "own fault",
  IdempotentParameterMismatchException: "own fault",
  ValidationException: "own fault",
  SerializationException: "own fault",
  UnknownOperationException: "own fault",
};

/** What a failed request means. */
export function failureOf(error: unknown): Failure {
  const cancelled = cancellationOf(error);
  if (cancelled !== undefined) return failureOfCodes(cancelled.codes);
  return failures[nameOf(error)] ?? (isRefusedConnection(error) ? "refused" : "unknown");
}

/** The conditions that failed, when that is why. */
export function cancellationOf(error: unknown): Cancellation | undefined {
  if (!(error instanceof Error)) return undefined;
  const given: Error & { readonly CancellationReasons?: readonly Reason[]; readonly Item?: Attributes } = error;
  if (error.name === "ConditionalCheckFailedException") return { codes: [CONDITION_FAILED], items: [given.Item] };
  if (error.name !== "TransactionCanceledException") return undefined;
  const reasons = given.CancellationReasons ?? [];
  return { codes: reasons.map(({ Code = "None" }) => Code), items: reasons.map(({ Item }) => Item) };
}

/** The code of an action whose condition was not met. */
export const CONDITION_FAILED = "ConditionalCheckFailed";

interface Reason {
  readonly Code?: string;
  readonly Item?: Attributes;
}

function failureOfCodes(codes: readonly string[]): Failure {
  if (codes.includes("ValidationError") || codes.includes("ItemCollectionSizeLimitExceeded")) return "own fault";
  if (codes.includes("ProvisionedThroughputExceeded") || codes.includes("ThrottlingError")) return "refused";
  return "raced";
}

function isRefusedConnection(error: unknown): boolean {
  return (
    error instanceof Error && "code" in error && ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"].includes(String(error.code))
  );
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "";
}

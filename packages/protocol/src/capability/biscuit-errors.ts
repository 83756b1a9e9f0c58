import { BiscuitError, DatalogError, FormatError, KeyError, LimitError, UsageError } from "@countersign/biscuit";
import type { CountersignError } from "../errors.ts";
import { refusal } from "./refusals.ts";

type Reasoned = "token_malformed" | "token_signature" | "unknown_root_key" | "token_limit" | "token_evaluation";
type Row = Reasoned | "token_sealed" | "invalid_public_key";

/** The refusal for each class of error that reading, checking or evaluating a token raises. */
const CODES: Readonly<Record<string, Row>> = {
  FormatError: "token_malformed",
  SignatureError: "token_signature",
  LimitError: "token_limit",
  ExpressionError: "token_evaluation",
  SealError: "token_sealed",
  KeyError: "token_malformed",
};

/** A signature of the wrong form is a signature that does not hold; the reference tells them apart by the algorithm. */
const FORMAT_CODES: Readonly<Record<string, Row>> = {
  block_signature: "token_signature",
  unknown_root_key: "unknown_root_key",
};

/** What the message of an error may say: signatures are revocation ids, and the bytes of a token are a credential. */
function reasonOf(error: BiscuitError): string {
  return error instanceof FormatError && error.code === "block_signature"
    ? "the signature is malformed"
    : error.message;
}

/** An error of the Biscuit package about a token, as a refusal; what is the runtime's or the caller's own fault stays. */
function toRefusal(error: unknown): unknown {
  if (!(error instanceof BiscuitError) || error instanceof UsageError || error instanceof DatalogError) return error;
  if (error instanceof KeyError && error.code === "no_sync_crypto") return error;
  return tokenRefusal(error);
}

/** The same for an error that is known to be of the Biscuit package. */
export function tokenRefusal(error: BiscuitError): CountersignError {
  const code = FORMAT_CODES[error.code] ?? CODES[error.name] ?? "token_malformed";
  // The limit on text and bytes is met while a token is read, and names itself.
  const reason = error instanceof LimitError ? `${error.code}: ${error.message}` : reasonOf(error);
  return refusal(code, { reason }, error);
}

/** Runs what reads or checks a token, and throws its errors as refusals. */
export async function refusing<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw toRefusal(error);
  }
}

/** The same, at once. */
export function refusingSync<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw toRefusal(error);
  }
}

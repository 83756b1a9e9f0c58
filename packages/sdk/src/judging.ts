import type { VerificationMode } from "./client-options.ts";
import { SdkError, type SdkErrorCode } from "./errors.ts";
import type { TokenVerdict } from "./responses.ts";

/** Refusals that old keys of this side would explain, so the authority is asked too. All others are final. */
const MAYBE_OLD_KEYS: readonly SdkErrorCode[] = ["missing_public_key", "token_signature", "unknown_root_key"];

/** The two who can judge a token. */
export interface Judges {
  /** Whether this side can. */
  readonly canVerify: boolean;
  readonly local: () => Promise<unknown>;
  readonly remote: () => Promise<string>;
}

/** Has a token judged by whom the mode says. */
export async function judgeBy(mode: VerificationMode, { canVerify, local, remote }: Judges): Promise<TokenVerdict> {
  const ask = async (): Promise<TokenVerdict> => ({ judged: "remote", responseMsg: await remote() });
  if (mode === "remote" || (mode === "automatic" && !canVerify)) return ask();
  try {
    await local();
    return { judged: "local" };
  } catch (error) {
    const mayAsk = mode === "local-then-remote" && error instanceof SdkError && MAYBE_OLD_KEYS.includes(error.code);
    if (mayAsk) return ask();
    throw error;
  }
}

import { CountersignError } from "@countersign/protocol";
import type { Credential, Requirements, Verifier } from "../verifier.ts";
import { bearerOf } from "./bearer.ts";
import { type ChallengeOptions, type RefusalResponse, refusalResponse } from "./challenge.ts";

/** What a guard asks of each request. */
export interface GuardOptions<Request> extends ChallengeOptions {
  /** Verifies the tokens. */
  readonly verifier: Verifier;
  /** What a token must be and allow, the same for all requests or told by each. */
  readonly require: Requirements | ((request: Request) => Requirements | Promise<Requirements>);
  /** Decides last about the holder of a good token; `false` refuses. @default all may pass */
  readonly authorize?: ((credential: Credential, request: Request) => boolean | Promise<boolean>) | undefined;
  /** Told of each refusal, for the log: `detail` says why and holds no token. What it throws is not heard. @default nobody is */
  readonly onRefusal?: ((error: CountersignError | undefined, request: Request) => void) | undefined;
}

/** What a request is to a guard. */
export interface GuardedRequest<Request> {
  readonly request: Request;
  /** Its Authorization fields. */
  readonly authorization: readonly string[];
}

/** What a guard says of a request: who it comes from, or what it is answered. */
export type Verdict = { readonly credential: Credential } | { readonly refusal: RefusalResponse };

function scopeOf({ jwt }: Requirements): string | undefined {
  if (jwt === undefined || jwt === true || jwt.scope === undefined) return undefined;
  return typeof jwt.scope === "string" ? jwt.scope : jwt.scope.join(" ");
}

function hear(tell: () => void): void {
  try {
    tell();
  } catch {
    // An error of the log changes no verdict.
  }
}

async function authenticate<Request>(
  { request, authorization }: GuardedRequest<Request>,
  requirements: Requirements,
  { verifier, authorize }: GuardOptions<Request>,
): Promise<Credential | undefined> {
  const token = bearerOf(authorization);
  if (token === undefined) return undefined;
  const credential = await verifier.verify(token, requirements);
  if (authorize !== undefined && (await authorize(credential, request)) !== true) {
    throw new CountersignError("insufficient_scope", { detail: "refused by authorize" });
  }
  return credential;
}

/** A guard without requirements would let every request pass, so it is refused at construction. */
export function checkOptions<Request>({ verifier, require }: GuardOptions<Request>): void {
  if (typeof verifier?.verify !== "function") throw new TypeError("Cannot guard without a verifier");
  if (typeof require === "function") return;
  const { jwt, identity, authorization } = require;
  if (jwt === undefined && identity === undefined && authorization === undefined) {
    throw new TypeError("Cannot guard with requirements that no token meets: name jwt, identity or authorization");
  }
}

/** Judges a request. What is thrown is no refusal but a fault of the server. */
export async function judgeRequest<Request>(
  guarded: GuardedRequest<Request>,
  options: GuardOptions<Request>,
): Promise<Verdict> {
  const { request } = guarded;
  const requirements = typeof options.require === "function" ? await options.require(request) : options.require;
  const refuse = (error: CountersignError | undefined): Verdict => {
    hear(() => options.onRefusal?.(error, request));
    return { refusal: refusalResponse(error, scopeOf(requirements), options) };
  };
  try {
    const credential = await authenticate(guarded, requirements, options);
    return credential === undefined ? refuse(undefined) : { credential };
  } catch (error) {
    if (error instanceof CountersignError) return refuse(error);
    throw error;
  }
}

/** Who the requests come from that have passed a guard. */
export interface Credentials<Request extends object> {
  set(request: Request, credential: Credential): void;
  get(request: Request): Credential;
}

/** Remembers credentials beside requests, where no handler can overwrite them by mistake. */
export function rememberCredentials<Request extends object>(): Credentials<Request> {
  const known = new WeakMap<Request, Credential>();
  return {
    set: (request, credential) => void known.set(request, credential),
    get(request) {
      const credential = known.get(request);
      if (credential === undefined) throw new TypeError("Cannot tell who sent a request that has passed no guard");
      return credential;
    },
  };
}

/** The JSON form in which the reference implementation reports an error; the official samples hold it. */
export type RustJson = null | boolean | number | string | readonly RustJson[] | { readonly [key: string]: RustJson };

/** The root of every error this package raises about tokens, keys, text and limits; branch on {@link BiscuitError.code}. */
export class BiscuitError<Code extends string = string> extends Error {
  override readonly name: string = "BiscuitError";
  /** A stable identifier of what went wrong. */
  readonly code: Code;
  readonly #rust: RustJson;

  constructor(code: Code, message: string, rust: RustJson = "InternalError") {
    super(message);
    this.code = code;
    this.#rust = rust;
  }

  /** The same error as the reference implementation's JSON, for conformance tests and for logs shared with it. */
  toRustJson(): RustJson {
    return this.#rust;
  }
}

/** The name of the reference for what a code stands for: `InvalidType` for `invalid_type`. */
function variant(code: string, detail: RustJson | undefined): RustJson {
  const name =
    code === "extern_failed"
      ? "ExternEvalError"
      : code.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return detail === undefined ? name : { [name]: detail };
}

/** The codes of {@link FormatError}. */
export type FormatCode =
  | "authority_external"
  | "base64"
  | "block"
  | "block_signature"
  | "bytes"
  | "encode"
  | "empty_content"
  | "invalid_op"
  | "invalid_set"
  | "key_overlap"
  | "payload_version"
  | "proof"
  | "feature_version"
  | "symbol_overlap"
  | "third_party_version"
  | "unknown_key"
  | "unknown_root_key"
  | "unknown_symbol"
  | "version";

/** The variants of the reference that carry nothing. */
const FORMAT_UNITS: Partial<Record<FormatCode, string>> = {
  key_overlap: "PublicKeyTableOverlap",
  symbol_overlap: "SymbolTableOverlap",
  unknown_key: "UnknownExternalKey",
  unknown_root_key: "UnknownPublicKey",
};

const FORMAT_VARIANTS: Partial<Record<FormatCode, string>> = {
  block: "BlockDeserializationError",
  block_signature: "BlockSignatureDeserializationError",
  encode: "SerializationError",
  unknown_symbol: "UnknownSymbol",
  version: "Version",
};

/** The bytes, tables or versions of a token (or of another message of the format) cannot be used. */
export class FormatError extends BiscuitError<FormatCode> {
  override readonly name = "FormatError";

  constructor(code: FormatCode, message: string, detail: RustJson = message) {
    const rust = FORMAT_UNITS[code] ?? { [FORMAT_VARIANTS[code] ?? "DeserializationError"]: detail };
    super(code, message, { Format: rust });
  }
}

/** The codes of {@link SignatureError}. */
export type SignatureCode = "invalid_signature" | "proof_key";

/** A signature or the proof at the end of a token does not match. */
export class SignatureError extends BiscuitError<SignatureCode> {
  override readonly name = "SignatureError";

  constructor(code: SignatureCode, message: string, rust: RustJson) {
    super(code, message, { Format: rust });
  }
}

/** The codes of {@link KeyError}. */
export type KeyCode = "invalid_key" | "invalid_key_size" | "unsupported_algorithm" | "no_sync_crypto";

/** A key cannot be read or used, or the runtime lacks what it needs. */
export class KeyError extends BiscuitError<KeyCode> {
  override readonly name = "KeyError";

  constructor(code: KeyCode, message: string) {
    super(code, message, { Format: { InvalidKey: message } });
  }
}

/** The codes of {@link SealError}. */
export type SealCode = "append_on_sealed" | "already_sealed";

/** A sealed token was to be extended or sealed again. */
export class SealError extends BiscuitError<SealCode> {
  override readonly name = "SealError";

  constructor(code: SealCode, message: string) {
    super(code, message, variant(code, undefined));
  }
}

/** The codes of {@link UsageError}. */
export type UsageCode = "not_awaited" | "not_verified" | "wrong_argument" | "decision_as_value";

/**
 * A call was given something of another kind than it takes, as plain JavaScript lets happen: a promise that was not
 * awaited, a token that was not verified, text in the place of a key. The message says what to do instead.
 */
export class UsageError extends BiscuitError<UsageCode> {
  override readonly name = "UsageError";
}

/** A place in Datalog source text. */
export interface SourcePosition {
  /** UTF-16 offset from the start of the text. */
  readonly offset: number;
  /** Line, from 1. */
  readonly line: number;
  /** Column in UTF-16 units, from 1. */
  readonly column: number;
}

/** The codes of {@link DatalogError}. */
export type DatalogCode = "syntax" | "missing_parameter" | "unused_parameter" | "invalid_value" | "unbound_variable";

/** Datalog text, or a value put into it, cannot be used; `position` tells where. */
export class DatalogError extends BiscuitError<DatalogCode> {
  override readonly name = "DatalogError";
  /** Where in the text, when the error has a place. */
  readonly position: SourcePosition | undefined;

  constructor(code: DatalogCode, message: string, position?: SourcePosition) {
    const at = position === undefined ? "" : ` (line ${position.line}, column ${position.column})`;
    super(code, `${message}${at}`, { Language: { ParseError: { errors: [{ message }] } } });
    this.position = position;
  }
}

/** The codes of {@link LimitError}. */
export type LimitCode = "fuel" | "facts" | "iterations" | "token_bytes" | "blocks" | "text";

const LIMIT_RUST: Partial<Record<LimitCode, string>> = { facts: "TooManyFacts", iterations: "TooManyIterations" };

/** A limit on work or size was reached; the operator `.try_or()` never hides it. */
export class LimitError extends BiscuitError<LimitCode> {
  override readonly name = "LimitError";

  constructor(code: LimitCode, message: string) {
    super(code, message, { RunLimit: LIMIT_RUST[code] ?? "Timeout" });
  }
}

/** The codes of {@link ExpressionError}. */
export type ExpressionCode =
  | "unknown_symbol"
  | "unknown_variable"
  | "invalid_type"
  | "overflow"
  | "divide_by_zero"
  | "invalid_stack"
  | "shadowed_variable"
  | "undefined_extern"
  | "unsupported_property"
  | "extern_failed";

/** Where an expression stands that could not be evaluated. */
export interface ExpressionPlace {
  /** The block of the statement, 0 for the authority; `undefined` for the authorizer. */
  readonly block: number | undefined;
  /** What the expression is part of. */
  readonly statement: "rule" | "check" | "policy" | "query";
  /** The place of the statement among those of its kind in its block, from 0. */
  readonly index: number;
  /** The statement as Datalog text; `undefined` where no fuel is left to print it. */
  readonly source: string | undefined;
  /** The expression as Datalog text; `undefined` where no fuel is left to print it. */
  readonly expression: string | undefined;
}

function placeText({ block, statement, index, source, expression }: ExpressionPlace): string {
  const where = block === undefined ? "the authorizer" : `block ${block}`;
  const name = statement === "query" ? "the query" : `${statement} ${index} of ${where}`;
  return source === undefined ? `, in ${name}` : `, in the expression ${expression} of ${name}: ${source}`;
}

/**
 * An expression cannot be evaluated; the whole authorization fails closed. The message names the types that met an
 * operator, the expression and its check, rule or policy.
 */
export class ExpressionError extends BiscuitError<ExpressionCode> {
  override readonly name = "ExpressionError";
  /** Where the expression stands; `undefined` while it is not known. */
  readonly place: ExpressionPlace | undefined;
  readonly #detail: RustJson | undefined;

  constructor(code: ExpressionCode, message: string, detail?: RustJson, place?: ExpressionPlace) {
    super(code, place === undefined ? message : message + placeText(place), { Execution: variant(code, detail) });
    this.place = place;
    this.#detail = detail;
  }

  /**
   * The same error with the place of its expression.
   *
   * @internal
   */
  at(place: ExpressionPlace): ExpressionError {
    return new ExpressionError(this.code, this.message, this.#detail, place);
  }
}

/** The codes of {@link AuthorizationError}. */
export type AuthorizationCode = "unauthorized" | "no_matching_policy" | "invalid_block_rule";

/** An authorization was refused, or a token holds a rule that can never be run. */
export class AuthorizationError extends BiscuitError<AuthorizationCode> {
  override readonly name = "AuthorizationError";

  constructor(code: AuthorizationCode, message: string, detail: RustJson) {
    super(code, message, { FailedLogic: variant(code, detail) });
  }
}

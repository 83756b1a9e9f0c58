import { BlockBuilder, type Parameters } from "@countersign/biscuit";

/** Datalog with the values of its parameters. */
export type Statement = readonly [code: string, parameters: Parameters];

interface Builder {
  code(input: string, parameters?: Parameters): unknown;
}

/** Adds statements to a block or a new token. */
export function addTo<Target extends Builder>(builder: Target, statements: readonly Statement[]): Target {
  for (const [code, parameters] of statements) builder.code(code, parameters);
  return builder;
}

/** A block of these statements. */
export function blockOf(statements: readonly Statement[]): BlockBuilder {
  return addTo(new BlockBuilder(), statements);
}

/** The check that ends a token, in the form of the authority block. */
export function expires(expiration: number): Statement {
  return ["check if time($time), $time < {expiration};", { expiration }];
}

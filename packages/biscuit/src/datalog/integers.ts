import { failure } from "./failures.ts";
import { isInt64, toInteger } from "./term.ts";

/** A Datalog integer: `number` when safe, else `bigint`. */
export type Integer = number | bigint;

function checked(value: bigint): Integer {
  if (!isInt64(value)) throw failure.overflow();
  return toInteger(value);
}

// A double holds sums and products exactly up to 2^53, and rounds none past it back below.
export function add(left: Integer, right: Integer): Integer {
  if (typeof left === "number" && typeof right === "number") {
    const sum = left + right;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return checked(BigInt(left) + BigInt(right));
}

export function subtract(left: Integer, right: Integer): Integer {
  if (typeof left === "number" && typeof right === "number") {
    const difference = left - right;
    if (Number.isSafeInteger(difference)) return difference;
  }
  return checked(BigInt(left) - BigInt(right));
}

export function multiply(left: Integer, right: Integer): Integer {
  if (typeof left === "number" && typeof right === "number") {
    const product = left * right;
    if (Number.isSafeInteger(product)) return product + 0;
  }
  return checked(BigInt(left) * BigInt(right));
}

/** Division towards zero; the one quotient that does not fit is a division by zero, as in the reference. */
export function divide(left: Integer, right: Integer): Integer {
  if (BigInt(right) === 0n) throw failure.division();
  const quotient = BigInt(left) / BigInt(right);
  if (!isInt64(quotient)) throw failure.division();
  return toInteger(quotient);
}

const isInt32 = (value: Integer): value is number => typeof value === "number" && (value | 0) === value;

/** The three bit operators on 64-bit two's complement. */
export const bits = {
  and: (left: Integer, right: Integer): Integer =>
    isInt32(left) && isInt32(right) ? left & right : toInteger(BigInt(left) & BigInt(right)),
  or: (left: Integer, right: Integer): Integer =>
    isInt32(left) && isInt32(right) ? left | right : toInteger(BigInt(left) | BigInt(right)),
  xor: (left: Integer, right: Integer): Integer =>
    isInt32(left) && isInt32(right) ? left ^ right : toInteger(BigInt(left) ^ BigInt(right)),
} as const;

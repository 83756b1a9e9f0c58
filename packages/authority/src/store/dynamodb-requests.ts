import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import type { CheckedChange } from "./checks.ts";
import type { Attributes } from "./dynamodb-errors.ts";
import { attribute, clamp, OWNER_INDEX, toAttributes } from "./dynamodb-items.ts";
import type { Page } from "./store.ts";

const { key, version, expiresAt, owner, ownedKey } = attribute;
const names = { "#v": version, "#e": expiresAt };
const LIVING = "(attribute_not_exists(#e) OR #e > :now)";

/** A condition with what it names. */
interface Condition {
  readonly ConditionExpression: string;
  readonly ExpressionAttributeNames: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues: Readonly<Record<string, { readonly N: string }>>;
  readonly ReturnValuesOnConditionCheckFailure: "ALL_OLD";
}

/** An item must live at a version; or, for version 0, be absent or expired. */
function conditionOf(expectedVersion: number, now: number): Condition {
  const instant = { ":now": { N: String(clamp(now)) } };
  const ReturnValuesOnConditionCheckFailure = "ALL_OLD";
  if (expectedVersion === 0) {
    return {
      ConditionExpression: `attribute_not_exists(${key}) OR #e <= :now`,
      ExpressionAttributeNames: { "#e": expiresAt },
      ExpressionAttributeValues: instant,
      ReturnValuesOnConditionCheckFailure,
    };
  }
  return {
    ConditionExpression: `#v = :v AND ${LIVING}`,
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: { ...instant, ":v": { N: String(expectedVersion) } },
    ReturnValuesOnConditionCheckFailure,
  };
}

/** How long a commit keeps its version and its instant: a repetition must be the same to the byte. */
export interface Sent {
  readonly version: number;
  readonly now: number;
}

/** One action of a transaction. */
export function actionOf(checked: CheckedChange, table: string, { version: next, now }: Sent): TransactWriteItem {
  const { change, text } = checked;
  const place = { TableName: table, ...conditionOf(change.expectedVersion, now) };
  if (text !== undefined) return { Put: { ...place, Item: mutable(toAttributes(checked, next)) } };
  const Key = { [key]: { S: change.key } };
  return change.remove ? { Delete: { ...place, Key } } : { ConditionCheck: { ...place, Key } };
}

/** Removes what lives, at a version or whatever its version is. */
export function removalOf(name: string, table: string, expected: number | undefined, now: number) {
  const condition =
    expected === undefined
      ? {
          ConditionExpression: `attribute_exists(${key}) AND ${LIVING}`,
          ExpressionAttributeNames: { "#e": expiresAt },
          ExpressionAttributeValues: { ":now": { N: String(clamp(now)) } },
        }
      : { ...conditionOf(expected, now) };
  return { TableName: table, Key: { [key]: { S: name } }, ReturnValues: "ALL_OLD" as const, ...condition };
}

/** A page of an owner's items, expired ones among them. */
export function pageOf(
  name: string,
  table: string,
  page: Pick<Page, "after" | "reverse"> & { readonly limit: number },
) {
  const { after, reverse = false, limit } = page;
  const range = after === undefined ? "" : ` AND #k ${reverse ? "<" : ">"} :after`;
  return {
    TableName: table,
    IndexName: OWNER_INDEX,
    KeyConditionExpression: `#o = :o${range}`,
    ExpressionAttributeNames: { "#o": owner, ...(after !== undefined && { "#k": ownedKey }) },
    ExpressionAttributeValues: { ":o": { S: name }, ...(after !== undefined && { ":after": { S: after } }) },
    ScanIndexForward: !reverse,
    Limit: limit,
  };
}

/** The SDK's types know no readonly. */
function mutable(attributes: Attributes): Record<string, { S: string } | { N: string }> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, { S, N }]) => [name, S !== undefined ? { S } : { N: N ?? "0" }]),
  );
}

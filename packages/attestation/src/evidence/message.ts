import { fromBase64Url, toBase64Url } from "../encoding/text.ts";
import { AttestationError, ensure } from "../errors.ts";

/** A conceptual message: a media type and its content (RFC 9999). */
export interface ConceptualMessage {
  /** What the content is. */
  readonly mediaType: string;
  /** The content. */
  readonly bytes: Uint8Array;
}

/** The bits that say what a message is (RFC 9999 section 3). */
export const INDICATOR = { endorsements: 2, evidence: 4 } as const;

/** Larger messages are not read. */
const MAX_MESSAGE = 4_194_304;

/** A message as a JSON record (RFC 9999 section 3.1). */
export type MessageRecord = readonly [mediaType: string, content: string, indicator: number];

/** Writes a message as a JSON record. */
export const messageRecord = ({ mediaType, bytes }: ConceptualMessage, kind: keyof typeof INDICATOR): MessageRecord => [
  mediaType,
  toBase64Url(bytes),
  INDICATOR[kind],
];

/** Reads a message from a JSON record, already parsed. */
export function readMessage(record: unknown, kind: keyof typeof INDICATOR): ConceptualMessage {
  const what = `the ${kind}`;
  if (!Array.isArray(record)) throw new AttestationError("json", `Cannot read ${what}: no record of RFC 9999`);
  const [mediaType, content, indicator = INDICATOR[kind], ...rest]: unknown[] = record;
  const isRecord = typeof mediaType === "string" && typeof content === "string" && rest.length === 0;
  ensure(isRecord, "json", `Cannot read ${what}: no record of RFC 9999`);
  ensure(indicator === INDICATOR[kind], "json", `Cannot read ${what}: the record says it is something else`);
  ensure(content.length <= MAX_MESSAGE, "size", `Cannot read ${what}: ${content.length} characters`);
  return { mediaType, bytes: fromBase64Url(content, what) };
}

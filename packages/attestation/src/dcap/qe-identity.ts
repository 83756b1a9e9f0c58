import { Members, parseObject } from "../encoding/json.ts";
import { AttestationError } from "../errors.ts";
import { type IsvLevel, readIsvLevels } from "./tcb-info.ts";

/** What the quoting enclave must be, read and not judged. */
export interface QeIdentity {
  readonly kind: "QE" | "TD_QE";
  readonly issuedAt: number;
  readonly nextUpdateAt: number;
  readonly evaluationNumber: number;
  readonly miscSelect: Uint8Array;
  readonly miscSelectMask: Uint8Array;
  readonly attributes: Uint8Array;
  readonly attributesMask: Uint8Array;
  readonly mrSigner: Uint8Array;
  readonly isvProdId: number;
  /** The highest first. */
  readonly levels: readonly IsvLevel[];
}

function kindOf(members: Members): QeIdentity["kind"] {
  const id = members.text("id");
  const version = members.integer("version");
  if (version === 2 && (id === "QE" || id === "TD_QE")) return id;
  throw new AttestationError(
    "qe_identity_kind",
    `Cannot use the QE identity: ${id} in version ${version} is not known`,
  );
}

/** Reads the identity of the quoting enclave: what it says, not whether Intel says it. */
export function parseQeIdentity(text: string): QeIdentity {
  const members = new Members(parseObject(text, "the QE identity"), "the QE identity", "collateral_format");
  return {
    kind: kindOf(members),
    issuedAt: members.instant("issueDate"),
    nextUpdateAt: members.instant("nextUpdate"),
    evaluationNumber: members.integer("tcbEvaluationDataNumber"),
    // Intel writes MISCSELECT as the bytes are in a report, though it is an integer.
    miscSelect: members.hex("miscselect", 4),
    miscSelectMask: members.hex("miscselectMask", 4),
    attributes: members.hex("attributes", 16),
    attributesMask: members.hex("attributesMask", 16),
    mrSigner: members.hex("mrsigner", 32),
    isvProdId: members.integer("isvprodid", 65_535),
    levels: readIsvLevels(members, "the QE identity"),
  };
}

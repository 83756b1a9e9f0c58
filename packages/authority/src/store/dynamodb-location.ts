/** Where a DynamoDB store is. */
export interface DynamodbPlace {
  readonly table: string;
  /** @default what the SDK finds: AWS_REGION, or the profile */
  readonly region?: string;
  /** For emulators and private endpoints. @default that of the region */
  readonly endpoint?: string;
}

const parameters = new Set(["region", "endpoint"]);
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * Reads `dynamodb:TABLE`, with `region` and `endpoint` as parameters. Credentials are what the SDK finds.
 *
 * @throws {RangeError} saying what is wrong with it.
 */
export function parseDynamodbLocation(location: string): DynamodbPlace {
  const [, table = "", query = ""] = /^dynamodb:([^?]*)\??(.*)$/.exec(location) ?? [];
  if (!/^[A-Za-z0-9_.-]{3,255}$/.test(table)) {
    throw refusal("it must be dynamodb:TABLE?region=REGION, with 3 to 255 letters, digits, _, - and . as the table");
  }
  const given = new URLSearchParams(query);
  for (const name of given.keys()) {
    if (!parameters.has(name)) throw refusal(`it has no parameter ${name}, only ${[...parameters].join(", ")}`);
  }
  const region = given.get("region");
  const endpoint = given.get("endpoint");
  if (endpoint !== null) checkEndpoint(endpoint);
  return { table, ...(region !== null && { region }), ...(endpoint !== null && { endpoint }) };
}

function checkEndpoint(endpoint: string): void {
  const url = URL.parse(endpoint);
  if (url?.protocol === "https:" || (url?.protocol === "http:" && LOOPBACK.test(url.hostname))) return;
  throw refusal("endpoint must be an https URL; plain http is for loopback alone");
}

function refusal(why: string): RangeError {
  return new RangeError(`Cannot use this location of a store: ${why}`);
}

/**
 * A payment that two parties have to approve: one authority issues the token, which is good for nothing until the authority
 * of the finance department has signed it off by a policy of its own.
 *
 *   npm run example 14-payment             (with the variables of 11-authorities)
 */
import { Countersign, SdkError } from "@countersign/sdk";

await using client = await Countersign.fromEnv();
await client.setup();
const { identity = "" } = await client.requestIdentityToken();

async function isGood(token: string): Promise<string> {
  try {
    await client.verifyToken(token, identity, "payments", "pay");
    return "good";
  } catch (error) {
    if (error instanceof SdkError) return error.code;
    throw error;
  }
}

const pending = await client.requestToken("payments", "pay");
for (const { component } of pending.pendingSignoffs ?? []) console.log(`waits for ${component}`);
console.log(`before: ${await isGood(pending.token ?? "")}`);
const signed = await client.collectSignoffs(pending, "payments", "pay", { totalTimeoutMs: 30_000 });
console.log(`after: ${await isGood(signed)}`);

const { blocks } = await client.inspectToken(signed);
console.log(blocks.map(({ role }) => role).join(", "));

/**
 * As much of the command `vault` as `countersign vault` uses: `auth enable` and `write`, with fields as words or as
 * JSON on standard input. Both are requests to Vault's HTTP API.
 */
import { text } from "node:stream/consumers";

const [verb, ...words] = process.argv.slice(2);
const { VAULT_ADDR = "http://127.0.0.1:8200", VAULT_TOKEN = "" } = process.env;

const response = verb === "auth" ? await enable(words) : await write(words);
const answer = await response.text();
if (response.ok) console.log(answer);
else {
  console.error(`Error writing data: ${response.status}: ${answer}`);
  process.exitCode = 2;
}

function enable([word, path = "", type = ""]: readonly string[]): Promise<Response> {
  if (word !== "enable") throw new TypeError(`Cannot do this: auth ${word}`);
  return post(`sys/auth/${path.replace("-path=", "")}`, { type });
}

async function write([path = "", ...fields]: readonly string[]): Promise<Response> {
  if (verb !== "write") throw new TypeError(`Cannot do this: ${verb}`);
  if (fields[0] === "-") return post(path, JSON.parse(await text(process.stdin)));
  return post(path, Object.fromEntries(fields.map((field) => field.split(/=(.*)/s, 2))));
}

function post(path: string, body: unknown): Promise<Response> {
  const headers = { "content-type": "application/json", "x-vault-token": VAULT_TOKEN };
  return fetch(`${VAULT_ADDR}/v1/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
}

/** The page that verifies a capability token and draws it, with nothing but the browser. */
import { PublicKey } from "@countersign/biscuit";
import { LocalTokens, SdkError } from "@countersign/sdk/offline";
import { describe, type Fact } from "./describe.ts";

/** An element with children. Text is never read as HTML: whoever made the token chose it. */
function element(name: string, ...children: readonly (Node | string)[]): HTMLElement {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

const list = (facts: readonly Fact[]): HTMLElement =>
  element("dl", ...facts.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));

async function drawn(token: string, key: string): Promise<readonly Node[]> {
  const publicKey = key.includes("-----BEGIN") ? PublicKey.fromPem(key) : PublicKey.parse(key);
  const inspection = await new LocalTokens({ publicKey }).inspectToken(token);
  // The clock of whoever looks at the page.
  const { title, facts, blocks } = describe(
    inspection,
    publicKey.toString(),
    performance.timeOrigin + performance.now(),
  );
  const items = blocks.map((block) => element("li", element("strong", block.title), list(block.facts)));
  return [element("h2", title), element("p", "Its signatures hold."), list(facts), element("ol", ...items)];
}

function refused(error: unknown): Node {
  const why = error instanceof SdkError || error instanceof Error ? error.message : "no reason";
  const said = element("p", `Refused: ${why}`);
  said.className = "refused";
  return said;
}

const form = document.querySelector("form");
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const fields = new FormData(form);
  const [token, key] = ["token", "key"].map((name) => String(fields.get(name) ?? "").trim());
  const result = document.querySelector("#result");
  drawn(token ?? "", key ?? "").then(
    (nodes) => result?.replaceChildren(...nodes),
    (error: unknown) => result?.replaceChildren(refused(error)),
  );
});

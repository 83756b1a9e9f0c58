/**
 * A page that verifies a capability token and draws it: its blocks, who signed which, what it still allows and until when.
 * The browser does all of it; this server hands out three files and sees no token.
 *
 *   PORT=9009 npm run example 09-token-page
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { pageFiles } from "./token-page/bundle.ts";

const { PORT = "9009" } = process.env;
const files = await pageFiles();

const server = createServer((request, response) => {
  const [type, content] = files.get(request.url ?? "") ?? [];
  if (type === undefined) return response.writeHead(404).end();
  response.setHeader("referrer-policy", "no-referrer");
  return response.setHeader("content-type", type).end(content);
});
server.listen(Number(PORT), "127.0.0.1", () => {
  console.log(`the page is at http://localhost:${(server.address() as AddressInfo).port}/`);
});

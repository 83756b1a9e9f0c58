import { Members, parseObject } from "../encoding/json.ts";
import { fromHex, toHex } from "../encoding/text.ts";
import { ensure } from "../errors.ts";
import { MEDIA_TYPE } from "../evidence/appraise.ts";
import { parseQuote } from "../quote/quote.ts";
import { checkReportData, type EvidenceSource, ensureFresh, orExplain } from "./source.ts";

/** The answer of the guest agent. */
export interface SocketAnswer {
  /** The HTTP status. */
  readonly status: number;
  /** The content. */
  readonly text: string;
}

/** How the guest agent is asked. */
export interface DstackOptions {
  /** Posts JSON to a path of the agent's socket, which is at `/var/run/dstack.sock`. */
  readonly post: (path: string, json: string) => Promise<SocketAnswer>;
}

const HINTS = {
  ENOENT: "there is no socket: mount /var/run/dstack.sock into the container",
  ECONNREFUSED: "the guest agent of dstack is not running",
  EACCES: "this user may not use the socket",
};

/** Evidence of a dstack application, a container in a TDX guest: a quote from its guest agent. */
export function dstackSource({ post }: DstackOptions): EvidenceSource {
  return {
    name: "dstack",
    async collect(reportData) {
      checkReportData(reportData);
      const json = JSON.stringify({ report_data: toHex(reportData) });
      const { status, text } = await orExplain(post("/GetQuote", json), "ask the guest agent for a quote", HINTS);
      ensure(status === 200, "source", `Cannot get a quote: the guest agent answered with status ${status}`);
      const answer = new Members(
        parseObject(text, "the answer of the guest agent"),
        "the answer of the guest agent",
        "source",
      );
      const bytes = fromHex(answer.text("quote"), "the quote of the guest agent");
      ensureFresh(parseQuote(bytes).report.reportData, reportData, "dstack");
      return { evidence: { mediaType: MEDIA_TYPE.quote, bytes } };
    },
  };
}

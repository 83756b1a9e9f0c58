const colours: Readonly<Record<string, string>> = { error: "31", warn: "33", info: "32", debug: "2" };

const plain = /^[\x21\x23-\x3c\x3e-\x7e]+$/;

/** Characters that could forge a line or turn its direction on a terminal: C1 controls, zero widths, bidi marks. */
const unsafe = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** One JSON log line as a line for people: time, level, event, then `name=value` pairs. */
export function formatLine(json: string, colour: boolean): string {
  const { level, time, event, ...fields }: Record<string, unknown> = JSON.parse(json);
  const pairs = Object.entries(fields).map(([name, value]) => `${name}=${legible(String(value))}`);
  const label = String(level).padEnd(5);
  const shown = colour ? `\u001b[${colours[label.trim()] ?? "0"}m${label}\u001b[0m` : label;
  return `${[String(time), shown, String(event), ...pairs].join(" ")}\n`;
}

function legible(value: string): string {
  if (plain.test(value)) return value;
  return JSON.stringify(value).replace(unsafe, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

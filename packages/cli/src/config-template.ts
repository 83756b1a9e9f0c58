import { explainSetting, type SettingRow, settingRows } from "./settings-schema.ts";

/** A configuration file in which every setting stands as a comment with what it means, its bounds and its default. */
export function configTemplate(): string {
  const rows = settingRows();
  const sections = new Map<string, readonly SettingRow[]>();
  for (const row of rows.filter(({ path }) => path.length > 1)) {
    const [name = ""] = row.path;
    sections.set(name, [...(sections.get(name) ?? []), row]);
  }
  const top = rows.filter(({ path }) => path.length === 1).map(entry);
  const rest = [...sections].map(([name, members]) => [`[${name}]`, ...members.map(entry)].join("\n\n"));
  return `# The configuration of countersign. Everything has a default: uncomment what you change.\n\n${[...top, ...rest].join("\n\n")}\n`;
}

function entry(row: SettingRow): string {
  const name = row.path.at(-1) ?? "";
  return `# ${explainSetting(row)}\n# ${name} = ${JSON.stringify(row.fallback ?? row.choices?.[0] ?? "")}`;
}

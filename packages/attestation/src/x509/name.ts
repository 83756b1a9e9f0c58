import { DerReader, readOne, TAG } from "../der/reader.ts";
import { readObjectId } from "../der/values.ts";
import { fromUtf8 } from "../encoding/text.ts";

const COMMON_NAME = "2.5.4.3";
const TEXTS: readonly number[] = [TAG.utf8String, TAG.printableString, TAG.ia5String];

/** The common name in a name; absent where there is none, or more than one. */
export function commonNameOf(name: Uint8Array, what: string): string | undefined {
  const found: string[] = [];
  const sets = new DerReader(readOne(name, `${what}, a name`).content);
  while (!sets.done) {
    const set = sets.inside(`${what}, a name`, TAG.set);
    while (!set.done) {
      const attribute = set.inside(`${what}, a name`);
      const id = readObjectId(attribute, `${what}, a name`);
      const { tag, content } = attribute.next(`${what}, a name`);
      attribute.end(`${what}, a name`);
      if (id === COMMON_NAME && TEXTS.includes(tag)) found.push(fromUtf8(content, `${what}, a name`));
    }
  }
  return found.length === 1 ? found[0] : undefined;
}

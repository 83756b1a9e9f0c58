/** Ids of users, clients and families: safe in keys, URLs, headers and logs. */
const idPattern = /^[A-Za-z0-9._-]{1,64}$/;

/** Whether a text can be an id at all. What cannot is looked up nowhere, so no input reaches a key unchecked. */
export function isId(text: string): boolean {
  return idPattern.test(text);
}

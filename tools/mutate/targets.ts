/** Where the guards are that `npm run mutate` takes away when it is given no files. */
export const guarded = [
  "packages/authority/src/core",
  "packages/authority/src/grants",
  "packages/authority/src/http/peer.ts",
  "packages/authority/src/http/forwarded.ts",
  "packages/authority/src/node",
  "packages/authority/src/http/management/actor.ts",
  "packages/authority/src/http/management/operation.ts",
  "packages/authority/src/limits",
  "packages/authority/src/users",
  "packages/authority/src/keys",
];

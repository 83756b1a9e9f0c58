/**
 * A refresh token as text: `csr_<family id>.<generation>.<secret>.<mac>`. The family leads to the one item that is
 * read; the generation tells how far behind the live token it is; the secret has 256 bits; the MAC is of all
 * before it, by which a spent token is told from a forged one at once.
 */
export interface RefreshText {
  readonly familyId: string;
  readonly generation: number;
  readonly secret: string;
  readonly mac: string;
}

/** The length of a MAC: 132 bits in base64url. */
export const MAC_LENGTH = 22;

const SHAPE = /^csr_([A-Za-z0-9_-]{22})\.(0|[1-9][0-9]{0,14})\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{22})$/;

/** Whether a token claims to be a refresh token of this authority. */
export function isRefreshText(token: string): boolean {
  return SHAPE.test(token);
}

export function parseRefreshText(token: string): RefreshText | undefined {
  const match = SHAPE.exec(token);
  if (match === null) return undefined;
  const [, familyId = "", generation = "", secret = "", mac = ""] = match;
  return { familyId, generation: Number(generation), secret, mac };
}

/** What the MAC is computed of, and stands behind after a dot. */
export function macInput({ familyId, generation, secret }: Omit<RefreshText, "mac">): string {
  return `csr_${familyId}.${generation}.${secret}`;
}

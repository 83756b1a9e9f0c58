/**
 * A refresh token as text: `csr_<family id>.<generation>.<secret>.<mark>`. The family leads to the one item that is
 * read; the generation tells how far behind the live token it is; the secret has 256 bits; the mark is a MAC of all
 * before it, by which a spent token is told from a forged one at once.
 */
export interface RefreshText {
  readonly familyId: string;
  readonly generation: number;
  readonly secret: string;
  readonly mark: string;
}

/** The length of a mark: 132 bits in base64url. */
export const markLength = 22;

const shape = /^csr_([A-Za-z0-9_-]{22})\.(0|[1-9][0-9]{0,14})\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{22})$/;

/** Whether a token claims to be a refresh token of this authority. */
export function isRefreshText(token: string): boolean {
  return shape.test(token);
}

export function parseRefreshText(token: string): RefreshText | undefined {
  const [, familyId, generation, secret, mark] = shape.exec(token) ?? [];
  if (familyId === undefined || generation === undefined || secret === undefined || mark === undefined)
    return undefined;
  return { familyId, generation: Number(generation), secret, mark };
}

/** What the mark is computed of, and stands behind after a dot. */
export function printUnmarked({ familyId, generation, secret }: Omit<RefreshText, "mark">): string {
  return `csr_${familyId}.${generation}.${secret}`;
}

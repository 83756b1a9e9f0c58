/**
 * A refresh token as text: `csr_<family id>.<generation>.<secret>`. The family leads to the one item that is read; the
 * generation tells how far behind the live token it is; the secret has 256 bits.
 */
export interface RefreshText {
  readonly familyId: string;
  readonly generation: number;
  readonly secret: string;
}

const shape = /^csr_([A-Za-z0-9_-]{22})\.(0|[1-9][0-9]{0,14})\.([A-Za-z0-9_-]{43})$/;

/** Whether a token claims to be a refresh token of this authority. */
export function isRefreshText(token: string): boolean {
  return shape.test(token);
}

export function parseRefreshText(token: string): RefreshText | undefined {
  const [, familyId, generation, secret] = shape.exec(token) ?? [];
  if (familyId === undefined || generation === undefined || secret === undefined) return undefined;
  return { familyId, generation: Number(generation), secret };
}

export function printRefreshText({ familyId, generation, secret }: RefreshText): string {
  return `csr_${familyId}.${generation}.${secret}`;
}

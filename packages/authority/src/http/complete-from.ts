/**
 * Makes a light prototype a whole one of a platform class: `instanceof` holds, and each member that the light one does
 * not have is answered by the real object that `real` makes of it. So a member that the platform gains later works too.
 */
export function completeFrom<Light extends object, Real extends object>(
  light: Light,
  platform: Real,
  real: (self: Light) => Real,
): void {
  for (const key of Reflect.ownKeys(platform)) {
    const descriptor = Object.getOwnPropertyDescriptor(platform, key);
    if (descriptor === undefined || Object.hasOwn(light, key)) continue;
    const { get, value } = descriptor;
    if (get !== undefined) {
      Object.defineProperty(light, key, {
        configurable: true,
        get(this: Light) {
          return Reflect.apply(get, real(this), []);
        },
      });
    } else if (typeof value === "function") {
      Object.defineProperty(light, key, {
        configurable: true,
        value(this: Light, ...given: unknown[]) {
          return Reflect.apply(value, real(this), given);
        },
      });
    }
  }
  Object.setPrototypeOf(light, platform);
}

type AnyFunction = (...args: never[]) => unknown;

/**
 * An object that is another one in all but its methods, which `toMethod` makes: the same prototype, the same fields,
 * read from the other one when they are asked for. The other one is not changed, and may be frozen or have private
 * fields. A method is made once.
 */
export function createStandIn(
  target: object,
  toMethod: (name: string, method: (...args: never[]) => unknown) => unknown,
): object {
  const madeByName = new Map<string | symbol, { of: AnyFunction; method: unknown }>();
  const replace = (name: string | symbol, value: unknown): unknown => {
    if (typeof value !== 'function' || name === 'constructor') return value;
    let made = madeByName.get(name);
    if (made === undefined || made.of !== value) {
      made = { of: value as AnyFunction, method: toMethod(String(name), value as AnyFunction) };
      madeByName.set(name, made);
    }
    return made.method;
  };
  // Not a proxy of the target itself: of a frozen one the language lets nothing be shown otherwise.
  const shell = Object.create(Object.getPrototypeOf(target) as object | null) as object;
  return new Proxy(shell, {
    get: (_shell, name) => replace(name, Reflect.get(target, name, target)),
    set: (_shell, name, value) => Reflect.set(target, name, value, target),
    has: (_shell, name) => Reflect.has(target, name),
    ownKeys: () => Reflect.ownKeys(target),
    getOwnPropertyDescriptor(_shell, name) {
      const own = Reflect.getOwnPropertyDescriptor(target, name);
      if (own === undefined) return undefined;
      const value = replace(name, Reflect.get(target, name, target));
      return { value, configurable: true, enumerable: own.enumerable === true, writable: true };
    },
  });
}

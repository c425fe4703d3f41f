// Disk work written once for two worlds: an `Io` is a generator that yields a promise only where the bottom cannot answer at once.
// `now` runs it without waiting (files in Node, memory: machines driven by instructions stay repeatable), `later` awaits.

export type Io<T> = Generator<Promise<unknown>, T, unknown>;

/** Waits for a promise inside an Io. */
export function* wait<T>(promise: Promise<T>): Io<T> {
  return (yield promise) as T;
}
/** Runs an Io that never has to wait. */
export function now<T>(io: Io<T>): T {
  const step = io.next();
  if (!step.done) throw new Error("this disk cannot answer at once");
  return step.value;
}
export async function later<T>(io: Io<T>): Promise<T> {
  let step = io.next();
  while (!step.done) {
    let value: unknown;
    try {
      value = await step.value;
    } catch (error) {
      step = io.throw(error);
      continue;
    }
    step = io.next(value);
  }
  return step.value;
}

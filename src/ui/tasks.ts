// Work on the page's thread in pieces: one after the other, or when there is nothing else to do. (breathe() of the contract is the same within a function.)

/** Browsers without the word for it wait so long between two. */
const BETWEEN_MS = 200;
const MOST_MS = 3000;
const host = globalThis as { requestIdleCallback?(job: () => void, options: { readonly timeout: number }): number; cancelIdleCallback?(id: number): void };

/** One after the other, each in a task of its own, so that the page answers between them. Returns what cancels those that did not begin. */
export function inTasks(...jobs: readonly (() => void)[]): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let over = false;
  const next = (n: number) => {
    const job = jobs[n];
    if (!job || over) return;
    timer = setTimeout(() => {
      job();
      next(n + 1);
    });
  };
  next(0);
  return () => {
    over = true;
    clearTimeout(timer);
  };
}
/** One after the other, each when the page has nothing else to do. Returns what cancels those that did not begin. */
export function whenIdle(...jobs: readonly (() => void)[]): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let idle: number | undefined;
  let over = false;
  const next = (n: number) => {
    const job = jobs[n];
    if (!job || over) return;
    const begin = () => {
      job();
      next(n + 1);
    };
    if (host.requestIdleCallback) idle = host.requestIdleCallback(begin, { timeout: MOST_MS });
    else timer = setTimeout(begin, BETWEEN_MS);
  };
  next(0);
  return () => {
    over = true;
    if (idle !== undefined) host.cancelIdleCallback?.(idle);
    clearTimeout(timer);
  };
}

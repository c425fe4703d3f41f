// Work on the page's thread in pieces: one after the other, or when there is nothing else to do. (breathe() of the contract is the same within a function.)

/** Browsers without the word for it wait so long between two. */
const BETWEEN_MS = 200;
const MOST_MS = 3000;
const host = globalThis as { requestIdleCallback?(job: () => void, options: { readonly timeout: number }): number; cancelIdleCallback?(id: number): void };

/** Has a job done some time later; returns what calls it off. */
type Schedule = (job: () => void) => () => void;
const inTask =
  (ms: number): Schedule =>
  (job) => {
    const timer = setTimeout(job, ms);
    return () => clearTimeout(timer);
  };
const idly: Schedule = (job) => {
  if (!host.requestIdleCallback) return inTask(BETWEEN_MS)(job);
  const idle = host.requestIdleCallback(job, { timeout: MOST_MS });
  return () => host.cancelIdleCallback?.(idle);
};
function inTurn(jobs: readonly (() => void)[], schedule: Schedule): () => void {
  let callOff = () => {};
  let over = false;
  const next = (n: number) => {
    const job = jobs[n];
    if (!job || over) return;
    callOff = schedule(() => {
      job();
      next(n + 1);
    });
  };
  next(0);
  return () => {
    over = true;
    callOff();
  };
}
/** One after the other, each in a task of its own, so that the page answers between them. Returns what cancels those that did not begin. */
export const inTasks = (...jobs: readonly (() => void)[]): (() => void) => inTurn(jobs, inTask(0));
/** One after the other, each when the page has nothing else to do. Returns what cancels those that did not begin. */
export const whenIdle = (...jobs: readonly (() => void)[]): (() => void) => inTurn(jobs, idly);

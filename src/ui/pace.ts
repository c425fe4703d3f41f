// How often the page looks at shared memory. While something happens: every animation frame. While nothing does: a cheap look at a few shared
// words, ten times a second and outside the rendering, so that an idle machine costs its tab next to nothing. Input counts at once.

const LINGER_MS = 500;
const IDLE_MS = 100;
let activeAt = 0;
/** Those who wait for their next cheap look: one timer for all, since each turn of it wakes the tab. */
const resting = new Set<() => void>();
let timer: ReturnType<typeof setTimeout> | null = null;
function wakeAll(): void {
  const waiting = [...resting];
  resting.clear();
  for (const look of waiting) look();
}

/** Something happened: look at every frame for a while, from now on. */
export function touch(): void {
  activeAt = performance.now();
  wakeAll();
}
/** Calls `job` at the next frame while things happen, else at the first frame after `news` says so. Returns what cancels it. */
export function nextLook(job: (now: number) => void, news: () => boolean): () => void {
  let frame = 0;
  const look = () => {
    if (performance.now() - activeAt < LINGER_MS || news()) frame = requestAnimationFrame(job);
    else {
      resting.add(look);
      if (timer === null)
        timer = setTimeout(() => {
          timer = null;
          wakeAll();
        }, IDLE_MS);
    }
  };
  look();
  return () => {
    resting.delete(look);
    cancelAnimationFrame(frame);
  };
}
if (typeof window !== "undefined") for (const kind of ["keydown", "pointerdown", "pointermove", "wheel", "paste", "focus"]) window.addEventListener(kind, touch, { passive: true, capture: true });

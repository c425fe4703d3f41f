// How often the page looks at shared memory: every animation frame while something happens, about fifteen times a second while nothing does, so
// that an idle machine costs its tab next to nothing. Input counts at once; a picture only when it changes faster than a cursor blinks.

const LINGER_MS = 500;
const IDLE_MS = 50;
let activeAt = 0;

/** Something happened: look at every frame for a while. */
export function touch(): void {
  activeAt = performance.now();
}
/** Calls `job` at the next frame, or later when nothing happens. Returns what cancels it. */
export function nextLook(job: (now: number) => void): () => void {
  let frame = 0;
  if (performance.now() - activeAt < LINGER_MS) frame = requestAnimationFrame(job);
  else {
    const timer = setTimeout(() => {
      frame = requestAnimationFrame(job);
    }, IDLE_MS);
    return () => {
      clearTimeout(timer);
      cancelAnimationFrame(frame);
    };
  }
  return () => cancelAnimationFrame(frame);
}
if (typeof window !== "undefined") for (const kind of ["keydown", "pointerdown", "pointermove", "wheel", "paste", "focus"]) window.addEventListener(kind, touch, { passive: true, capture: true });

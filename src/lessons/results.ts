// What is kept of a student's work, and the file a teacher collects: which lesson in which version, when each step passed, how often it was tried, what
// help was taken, and what the machine showed. The file is the student's own: it is evidence to talk about, not a proof against forgery.

import type { Lesson } from "./read.ts";

export interface StepRecord {
  /** Milliseconds since 1970, null while it has not passed. */
  readonly passedAt: number | null;
  readonly tries: number;
  readonly hints: number;
  /** "Show me" did it. */
  readonly shown: boolean;
  /** What the checks saw when it passed. */
  readonly seen: readonly string[];
}
export interface Progress {
  readonly lesson: string;
  readonly version: number;
  /** Where the student stands. */
  readonly step: number;
  readonly steps: { readonly [id: string]: StepRecord };
}
export function emptyProgress({ id, version }: { readonly id: string; readonly version: number }): Progress {
  return { lesson: id, version, step: 0, steps: {} };
}
/** Kept progress, or null when it is of another version or damaged: a lesson that changed is begun anew. */
export function parseProgress(text: string | null, lesson: Lesson): Progress | null {
  if (text === null) return null;
  try {
    const p = JSON.parse(text) as Progress;
    if (p.lesson !== lesson.id || p.version !== lesson.version || !Number.isInteger(p.step)) return null;
    const steps: { [id: string]: StepRecord } = {};
    for (const { id } of lesson.steps) {
      const r = p.steps?.[id];
      if (!r) continue;
      steps[id] = {
        passedAt: typeof r.passedAt === "number" ? r.passedAt : null,
        tries: Number(r.tries) || 0,
        hints: Number(r.hints) || 0,
        shown: r.shown === true,
        seen: Array.isArray(r.seen) ? r.seen.map(String) : [],
      };
    }
    return { lesson: p.lesson, version: p.version, step: Math.min(Math.max(0, p.step), lesson.steps.length - 1), steps };
  } catch {
    return null;
  }
}
export const passedCount = (lesson: Lesson, progress: Progress | null): number => lesson.steps.filter((s) => progress?.steps[s.id]?.passedAt != null).length;

export function resultsFile(lesson: Lesson, progress: Progress, about: { readonly student: string; readonly language: string; readonly now: number; readonly guesthouse: string; readonly machine: { readonly [what: string]: unknown } | null }): string {
  const when = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  return `${JSON.stringify(
    {
      format: "guesthouse-lesson-results-1",
      student: about.student,
      lesson: { id: lesson.id, version: lesson.version, sha256: lesson.sha256 },
      language: about.language,
      exportedAt: when(about.now),
      guesthouse: about.guesthouse,
      passed: passedCount(lesson, progress),
      of: lesson.steps.length,
      steps: lesson.steps.map(({ id }) => {
        const r = progress.steps[id];
        return { id, passedAt: when(r?.passedAt ?? null), tries: r?.tries ?? 0, hints: r?.hints ?? 0, shown: r?.shown ?? false, seen: r?.seen ?? [] };
      }),
      machine: about.machine,
    },
    null,
    2,
  )}\n`;
}

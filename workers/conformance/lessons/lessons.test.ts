// Every lesson of public/lessons, played: the right answers pass step by step, a step passes neither by itself nor by any of its wrong answers.
// Checks look at the machine only, so one play is both languages; texts of both are read and compared with the steps.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { assembled, programs } from "../../../scripts/assemble-lessons.ts";
import { configOf } from "../../../src/lessons/domain.ts";
import { asksAnswer } from "../../../src/lessons/format.ts";
import { LESSON_LANGUAGES } from "../../../src/lessons/read.ts";
import { LessonRun } from "../../../src/lessons/run.ts";
import { foldersOfLessons, guestConfig, lessonIds, lessonsFolder, readFolder, Stage } from "./stage.ts";

const nasm = (() => {
  try {
    execFileSync("nasm", ["-v"]);
    return true;
  } catch {
    return false;
  }
})();
let stage: Stage | null = null;
afterEach(async () => {
  await stage?.close();
  stage = null;
});
/** What stands between backticks: commands, which no translation changes. */
const inCode = (tokens: readonly { readonly raw: string }[]) => [...tokens.map((token) => token.raw).join("").matchAll(/`([^`]+)`/g)].map((m) => m[1]);
const only = process.env.LESSON;

describe("the catalogue", () => {
  it("names every folder once, with titles and times of the lessons", async () => {
    expect([...lessonIds].sort()).toEqual([...foldersOfLessons].sort());
    const { lessons } = JSON.parse(readFileSync(`${lessonsFolder}/index.json`, "utf8")) as { lessons: { id: string; minutes: number; steps: number; title: { [l: string]: string } }[] };
    for (const row of lessons) {
      const lesson = await readFolder(row.id);
      expect(lesson.id).toBe(row.id);
      expect([row.minutes, row.steps]).toEqual([lesson.minutes, lesson.steps.length]);
      for (const language of LESSON_LANGUAGES) expect(row.title[language]).toBe(lesson.texts[language]?.title);
    }
  });
  it.runIf(nasm)("has the bytes of its sources", () => {
    for (const source of programs()) expect(readFileSync(source.replace(/\.asm$/, ".b64"), "utf8"), source).toBe(assembled(source));
  });
});
for (const id of lessonIds.filter((l) => !only || l === only)) {
  const lesson = await readFolder(id);
  // Guests of Debian's packages are not there everywhere.
  const possible = Object.values(lesson.machines).every((m) => m.guest === "" || guestConfig(m.guest) !== null) && (existsSync(`${lessonsFolder}/../../images/firmware/build`) || existsSync("/usr/share/seabios") || Object.values(lesson.machines).every((m) => m.firmware === "none" && m.guest === ""));
  describe.runIf(possible)(id, () => {
    it("has texts for every step in both languages, each with a question and hints", () => {
      for (const language of LESSON_LANGUAGES) {
        const text = lesson.texts[language];
        expect(text?.steps.length, language).toBe(lesson.steps.length);
        for (const step of text?.steps ?? []) expect(step.hints.length, step.title).toBeGreaterThan(0);
      }
      for (const step of lesson.steps) expect(step.wrong.length, step.id).toBeGreaterThan(0);
      for (const machine of Object.values(lesson.machines)) expect(configOf(lesson, machine, guestConfig).name).toBe(lesson.id);
    });
    it("gives the same commands and as many hints in both languages", () => {
      const shape = (language: string) =>
        lesson.texts[language]?.steps.map((s) => ({
          commands: s.body.flatMap((token) => (token.type === "code" ? [token.raw] : [])),
          hints: s.hints.map((h) => inCode(h.body)),
          after: s.after.length,
        }));
      expect(shape("zh-CN")).toEqual(shape("en"));
    });
    // The machine's time is the host's: a busy one may be too late once.
    it("its answers pass, one step after the other", { retry: 1, timeout: 240_000 }, async () => {
      stage = new Stage(lesson);
      const run = new LessonRun(lesson, stage);
      for (let n = 0; n < lesson.steps.length; n++) {
        await run.go(n, true);
        expect(run.state.fault, run.step.id).toBeNull();
        if (!asksAnswer(run.step)) expect(await run.check(), `${run.step.id} passes by itself`).toBe(false);
        expect(await run.show(), `${run.step.id}: ${JSON.stringify(run.state.checked)} ${JSON.stringify(run.state.fault)}`).toBe(true);
        expect(run.state.progress.steps[run.step.id]?.seen.length).toBe(run.step.check.length);
      }
    });
    lesson.steps.forEach((step, n) => {
      step.wrong.forEach((actions, w) => {
        it(`${step.id} does not pass by wrong answer ${w + 1}`, async () => {
          stage = new Stage(lesson);
          const run = new LessonRun(lesson, stage);
          await run.go(n);
          expect(run.state.fault).toBeNull();
          expect(await run.tried(actions), JSON.stringify(run.state.checked)).toBe(false);
          // It was looked at, and the checks worked.
          expect(run.state.checked.length).toBe(step.check.length);
        }, 240_000);
      });
    });
  });
}

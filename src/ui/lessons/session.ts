// The lesson that is open: its run over a machine of the page, kept outside React so that it goes on while panels come and go. Progress is kept in the
// browser's local storage, one entry for each lesson.

import { create } from "zustand";
import { faultOf, FaultError } from "../../contract/schema.ts";
import { configOf } from "../../lessons/domain.ts";
import { asksAnswer, type LessonMachineData } from "../../lessons/format.ts";
import type { LessonMachine } from "../../lessons/machine.ts";
import { fetchLesson, filesOf, type Lesson, readLesson } from "../../lessons/read.ts";
import { parseProgress, type Progress, resultsFile } from "../../lessons/results.ts";
import { type LessonHost, LessonRun, type RunState } from "../../lessons/run.ts";
import { detectLanguage, type Language } from "../../i18n/index.ts";
import { actions, controller, inspectorActions, saveAs, useApp, useInspector } from "../../store/index.ts";
import { typeInto } from "../Monitor.tsx";

export interface LessonRow {
  readonly id: string;
  readonly minutes: number;
  readonly steps: number;
  readonly title: { readonly [language: string]: string };
}
interface Session {
  /** null while loading. */
  readonly catalogue: readonly LessonRow[] | null;
  readonly lesson: Lesson | null;
  readonly state: RunState | null;
  readonly machine: string | null;
  /** Grows when progress was kept. */
  readonly kept: number;
}
export const useLesson = create<Session>(() => ({ catalogue: null, lesson: null, state: null, machine: null, kept: 0 }));
const set = useLesson.setState;
let run: LessonRun | null = null;
let timers: ReturnType<typeof setInterval>[] = [];

const base = () => new URL("./lessons/", document.baseURI).href;
const keyOf = (id: string) => `guesthouse.lesson.${id}`;
const language = () => (useApp.getState().language || detectLanguage()) as Language;
const wait = (ms: number) => new Promise<void>((r) => setTimeout(r, ms));
const PACE_MS = 900;
const LOOK_MS = 400;
const COPY_MS = 60;

export async function loadCatalogue(): Promise<void> {
  if (useLesson.getState().catalogue !== null) return;
  try {
    const response = await fetch(`${base()}index.json`);
    const { lessons } = (await response.json()) as { readonly lessons: readonly LessonRow[] };
    set({ catalogue: lessons });
  } catch (error) {
    set({ catalogue: [] });
    actions.fault(faultOf(error));
  }
}
async function fetchFile(id: string, name: string): Promise<Uint8Array | null> {
  const response = await fetch(`${base()}${id}/${name}`);
  // A server of single pages answers everything with its page.
  if (!response.ok || response.headers.get("Content-Type")?.startsWith("text/html")) return null;
  return new Uint8Array(await response.arrayBuffer());
}
async function tried<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FaultError)) console.error(error);
    actions.fault(faultOf(error));
    return null;
  }
}
export function keptProgress(id: string): { readonly passed: number; readonly version: number } | null {
  try {
    const p = JSON.parse(localStorage.getItem(keyOf(id)) ?? "null") as Progress | null;
    return p ? { passed: Object.values(p.steps).filter((s) => s.passedAt !== null).length, version: p.version } : null;
  } catch {
    return null;
  }
}
export async function openLesson(id: string, step: string | null = null): Promise<void> {
  await tried(async () => {
    if (!/^[a-z0-9-]{1,64}$/.test(id)) throw new FaultError("lesson.unknown", "There is no such lesson.", "Open the list of lessons.");
    await begin(await fetchLesson((name) => fetchFile(id, name)), step, true);
  });
}
export async function openLessonFile(file: File): Promise<void> {
  await tried(async () => begin(await readLesson(filesOf(new Uint8Array(await file.arrayBuffer()))), null, false));
}
async function begin(lesson: Lesson, step: string | null, published: boolean): Promise<void> {
  await closeLesson(false);
  const progress = parseProgress(localStorage.getItem(keyOf(lesson.id)), lesson);
  const wanted = lesson.steps.findIndex((s) => s.id === step);
  const address = (n: number) => {
    const url = new URL(location.href);
    if (published) {
      url.searchParams.set("lesson", lesson.id);
      url.searchParams.set("step", lesson.steps[n]?.id ?? "");
    } else url.search = "";
    history.replaceState(null, "", url);
  };
  // A run is heard several times a second; its progress is another object when there is more of it.
  let kept: Progress | null = null;
  run = new LessonRun(lesson, host(lesson), progress, (state) => {
    const more = state.progress !== kept;
    if (more) localStorage.setItem(keyOf(lesson.id), JSON.stringify(state.progress));
    kept = state.progress;
    const before = useLesson.getState().state;
    if (before?.step !== state.step) address(state.step);
    set((s) => ({ state, kept: more ? s.kept + 1 : s.kept }));
  });
  set({ lesson, state: run.state });
  const mine = run;
  timers = [
    setInterval(() => mine.poll(), COPY_MS),
    setInterval(() => {
      if (!asksAnswer(mine.step) && mine.state.busy === null && !mine.state.passed) void mine.check();
    }, LOOK_MS),
  ];
  await run.go(wanted >= 0 ? wanted : (progress?.step ?? 0));
  address(run.state.step);
}
function host(lesson: Lesson): LessonHost {
  return {
    now: () => Date.now(),
    wait,
    pace: () => wait(PACE_MS),
    open: async (_name: string, data: LessonMachineData): Promise<LessonMachine> => {
      const attachments = Object.fromEntries(Object.entries(lesson.programs).map(([name, bytes]) => [`lesson:${name}`, bytes]));
      if (data.guest !== "") for (const end = Date.now() + 15_000; useApp.getState().guests === null && Date.now() < end; await wait(50));
      const config = configOf(lesson, data, (id) => useApp.getState().guests?.find((g) => g.id === id)?.config ?? null);
      const got = await controller.startPassing(useLesson.getState().machine, config, attachments, data.start === "paused");
      if (typeof got !== "string") throw new FaultError("lesson.machine", `The lesson's machine did not start: ${got.message}`, "Begin the step again.");
      set({ machine: got });
      const client = controller.client(got);
      if (!client?.trace) throw new Error("a machine without a trace bus");
      actions.tab(got, config.vga === "none" || data.guest !== "" ? "serial" : "monitor");
      return {
        execute: (name, args) => client.execute(name, args),
        type: (line) => {
          actions.tab(got, "monitor");
          return typeInto(got, client, language(), line);
        },
        serial: (text) => {
          actions.tab(got, "serial");
          client.sendSerial(0, text);
        },
        trace: client.trace,
        panel: (name, at) => {
          if (at !== "" && (name === "code" || name === "memory" || name === "walk")) inspectorActions.show(got, name, at);
          else inspectorActions.front(got, name);
          if (!useInspector.getState().open) inspectorActions.open(true);
        },
      };
    },
  };
}
export async function closeLesson(list = true): Promise<void> {
  const { machine } = useLesson.getState();
  for (const timer of timers) clearInterval(timer);
  timers = [];
  const old = run;
  run = null;
  set({ lesson: null, state: null, machine: null });
  if (list) {
    actions.select({ kind: "lessons" });
    const url = new URL(location.href);
    url.searchParams.delete("lesson");
    url.searchParams.delete("step");
    history.replaceState(null, "", url);
  }
  await old?.close();
  if (machine !== null) await controller.remove(machine);
}
export const lessonActions = {
  go: (step: number, keep = false) => void run?.go(step, keep),
  restart: () => void run?.restart(),
  hand: (answer: string) => void run?.hand(answer),
  hint: () => run?.hint(),
  show: () => void run?.show(),
  /** A line of the text, typed for the student. */
  type: (line: string) => void run?.machine?.type(line),
  answer: () => run?.answer ?? "",
} as const;
/** The file for the teacher. */
export async function exportResults(student: string): Promise<void> {
  const { lesson, state, machine } = useLesson.getState();
  if (!lesson || !state) return;
  const client = machine === null ? null : controller.client(machine);
  const ask = async (line: string): Promise<string> => {
    const reply = await client?.type(line);
    return reply?.ok ? reply.value : "";
  };
  const evidence = client ? { step: lesson.steps[state.step]?.id, status: await ask("info status"), registers: await ask("info registers"), instructions: client.stat("instructions"), guestNs: client.stat("guestNs") } : null;
  const text = resultsFile(lesson, state.progress, { student, language: language(), now: Date.now(), guesthouse: await ask("info version"), machine: evidence });
  saveAs(new Blob([text], { type: "application/json" }), `${lesson.id}-${student.trim().replace(/[^\p{L}\p{N}]+/gu, "-") || "results"}.json`);
}

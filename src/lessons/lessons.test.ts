// Lessons come from strangers: a mistake is a Fault that names the line and the key, and nothing in a file is executed or drawn as HTML.

import { strToU8, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { FaultError } from "../contract/schema.ts";
import { numberOf, partsOf } from "./check.ts";
import { fits } from "./events.ts";
import { filesOf, readData, readLesson } from "./read.ts";
import { emptyProgress, parseProgress, passedCount, resultsFile } from "./results.ts";
import { readText } from "./text.ts";

const good = `format: 1
id: little
version: 2
minutes: 5
machines:
  pc: { program: boot }
steps:
  - id: one
    check:
      - value: { of: $cr0 & 1, is: 1 }
    show:
      - monitor: cont
  - id: two
    check:
      - any:
          - ring: 3
          - events: { kind: irq.line, a: [0, 3] }
    show:
      - wait: 10
`;
const text = "# Little\n\nHello.\n\n## One\n\nDo it.\n\n### ? How\n\nThus.\n\n### ! Done\n\nSo.\n\n## Two\n\nMore.\n";
const files = { "lesson.yaml": strToU8(good), "text.en.md": strToU8(text), "boot.b64": strToU8("VaoA\n") };
const said = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof FaultError) return `${error.fault.code}: ${error.message}`;
    throw error;
  }
  return "nothing";
};
describe("lesson.yaml", () => {
  it("is read", () => {
    const data = readData(good);
    expect(data.steps.map((s) => s.id)).toEqual(["one", "two"]);
    expect(data.steps[0]?.check).toEqual([{ kind: "value", of: { of: "$cr0 & 1", is: "1", not: null, atLeast: null, atMost: null } }]);
  });
  const cases: readonly [string, (s: string) => string, string][] = [
    ["a field that is not known", (s) => s.replace("minutes: 5", "minuts: 5"), 'lesson.invalid: lesson.yaml, line 4: unknown field "minuts"'],
    ["a predicate that is not known", (s) => s.replace("- ring: 3", "- rign: 3"), 'lesson.invalid: lesson.yaml, line 16: steps[1].check[0].any[0]: unknown field "rign"'],
    ["a wrong type", (s) => s.replace("ring: 3", "ring: seven"), 'lesson.invalid: lesson.yaml, line 16: steps[1].check[0].any[0].ring: expected a whole number from 0 to 3, got "seven"'],
    ["a kind of event that is not known", (s) => s.replace("irq.line", "irq.lime"), "lesson.invalid: lesson.yaml, line 17: steps[1].check[0].any[1].events.kind: expected one of"],
    ["an action that is not known", (s) => s.replace("- wait: 10", "- script: alert(1)"), 'lesson.invalid: lesson.yaml, line 19: steps[1].show[0]: unknown field "script"'],
    ["two predicates in one", (s) => s.replace("- ring: 3", "- { ring: 3, mode: real }"), "lesson.invalid: lesson.yaml, line 16: steps[1].check[0].any[0]: expected one of"],
    ["a step without checks", (s) => s.replace(/check:\n {6}- value.*\n/, "check: []\n"), "lesson.invalid: lesson.yaml, line 9: steps[0].check: expected at least one"],
    ["a machine that is not there", (s) => s.replace("- id: two", "- id: two\n    machine: mac"), 'lesson.invalid: lesson.yaml, line 14: steps[1].machine: there is no machine "mac"'],
    ["two steps of one name", (s) => s.replace("id: two", "id: one"), 'lesson.invalid: lesson.yaml, line 13: steps[1].id: "one" is there twice'],
    ["neither program nor guest", (s) => s.replace("{ program: boot }", "{}"), "lesson.invalid: lesson.yaml, line 6: machines.pc: expected either program or guest"],
    ["a path as a program", (s) => s.replace("program: boot", "program: ../boot"), "lesson.invalid: lesson.yaml, line 6: machines.pc.program: expected small letters"],
    ["a key that is there twice", (s) => s.replace("version: 2", "version: 2\nversion: 3"), "lesson.invalid: lesson.yaml, line 4:"],
    ["what is not YAML", (s) => s.replace("machines:", "machines: ["), "lesson.invalid: lesson.yaml, line "],
    ["a number that is not exact", (s) => s.replace("is: 1 }", "is: 0x123456789abcdef0 }"), "lesson.invalid: lesson.yaml, line 10: steps[0].check[0].value.is: expected a number or an expression"],
    ["a tag that would make something", (s) => s.replace("id: little", "id: !!js/function 'function(){}'"), "lesson.invalid: lesson.yaml, line "],
    ["a list as the whole", () => "- 1\n", "lesson.invalid: lesson.yaml, line 1:"],
  ];
  for (const [name, change, message] of cases)
    it(`refuses ${name}`, () => {
      expect(change(good)).not.toBe(good);
      expect(said(() => readData(change(good)))).toContain(message);
    });
  it("never answers damage with anything but a Fault", () => {
    let seed = 7;
    const random = (n: number) => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % n;
    for (let n = 0; n < 400; n++) {
      const at = random(good.length);
      const broken = good.slice(0, at) + " :-[]{}&*!|>'\"\t\n"[random(16)] + good.slice(at + random(3));
      said(() => readData(broken));
    }
  });
});
describe("the text", () => {
  it("is cut into steps, hints and what follows", () => {
    const t = readText(text, "text.en.md", ["one", "two"]);
    expect([t.title, t.steps.map((s) => s.title), t.steps[0]?.hints.map((h) => h.title), t.steps[0]?.after.map((h) => h.title)]).toEqual(["Little", ["One", "Two"], ["How"], ["Done"]]);
  });
  it("has a section for each step, and no more", () => {
    expect(said(() => readText(text, "t.md", ["one", "two", "three"]))).toContain('lesson.text: t.md, line 20: the step "three" has no section (##).');
    expect(said(() => readText(text, "t.md", ["one"]))).toContain('t.md, line 17: "Two" is one section');
    expect(said(() => readText("Hello", "t.md", []))).toContain("t.md, line 1: the title is missing");
    expect(said(() => readText("# A\n\n## One\n\n### What\n", "t.md", ["one"]))).toContain('t.md, line 5: "### What" is neither');
  });
});
describe("a lesson as a file", () => {
  it("is the same as a folder, as a zip of files, and as a zip of the folder", async () => {
    const folder = await readLesson(files);
    const flat = await readLesson(filesOf(zipSync(files)));
    const inside = await readLesson(filesOf(zipSync(Object.fromEntries(Object.entries(files).map(([n, b]) => [`little/${n}`, b])))));
    expect(folder.programs.boot?.length).toBe(512);
    expect(flat).toEqual(folder);
    expect(inside).toEqual(folder);
  });
  it("is one YAML file with texts and programs", async () => {
    const single = `${good}text:\n  en: |\n${text.replace(/^/gm, "    ")}\nfiles:\n  boot: VaoA\n`;
    const lesson = await readLesson(filesOf(strToU8(single)));
    expect(lesson.texts.en?.title).toBe("Little");
    expect([...(lesson.programs.boot ?? [])].slice(0, 3)).toEqual([0x55, 0xaa, 0]);
  });
  it("is refused when something is missing or too large", async () => {
    const code = (f: { [n: string]: Uint8Array }) => readLesson(f).then(() => "read", (e: unknown) => (e instanceof FaultError ? e.message : "thrown"));
    expect(await code({ ...files, "lesson.yaml": strToU8(good.replace("program: boot", "program: toot")) })).toBe('The program "toot" is missing.');
    expect(await code({ "lesson.yaml": files["lesson.yaml"] })).toBe("The lesson has no text.");
    expect(await code({})).toBe("There is no lesson.yaml.");
    expect(said(() => filesOf(zipSync({ "lesson.yaml": new Uint8Array(9 << 20) })))).toContain("lesson.size");
    expect(said(() => filesOf(Uint8Array.of(0x50, 0x4b, 3, 4, 9, 9, 9)))).toContain("lesson.file");
  });
});
describe("looking", () => {
  it("reads a student's numbers", () => {
    expect(["4096", "0x1000", "1000h", " 0X1000 ", "fffffff0h", "", "x", "0x"].map(numberOf)).toEqual([4096n, 4096n, 4096n, 4096n, 0xfffffff0n, null, null, null]);
  });
  it("follows paths", () => {
    const data = { vectors: [{ vector: 8, count: 2 }, { vector: 9, count: 5 }], none: null };
    expect(partsOf(data, "vectors.*.count")).toEqual([2, 5]);
    expect(partsOf(data, "vectors.1.vector")).toEqual([9]);
    expect(partsOf(data, "none.x")).toEqual([]);
    expect(partsOf(data, "constructor")).toEqual([]);
  });
  it("fits events by ranges", () => {
    const event = { atNs: 0, instructions: 0, kind: "pio.write" as const, cpu: 0, device: -1, a: 0x43, b: 0x34, c: 1, ip: 0 };
    const pattern = { kind: "pio.write", a: [0x40, 0x43] as const, b: null, c: null };
    expect(fits(event, pattern)).toBe(true);
    expect(fits({ ...event, a: 0x44 }, pattern)).toBe(false);
    expect(fits({ ...event, kind: "pio.read" }, pattern)).toBe(false);
  });
});
describe("progress", () => {
  it("is kept for its version only, and survives damage", async () => {
    const lesson = await readLesson(files);
    const progress = { ...emptyProgress(lesson), steps: { one: { passedAt: 5, tries: 2, hints: 1, shown: false, seen: ["$cr0 & 1 = 0x1"] } } };
    const text = JSON.stringify(progress);
    expect(parseProgress(text, lesson)).toEqual(progress);
    expect(passedCount(lesson, progress)).toBe(1);
    expect(parseProgress(text, { ...lesson, version: 3 })).toBeNull();
    for (const broken of ["", "{", "null", "[]", '{"lesson":"little","version":2}', '{"lesson":"little","version":2,"step":99,"steps":{"one":7}}'])
      expect(() => parseProgress(broken, lesson)).not.toThrow();
    const file = JSON.parse(resultsFile(lesson, progress, { student: "Li", language: "en", now: 0, guesthouse: "0", machine: null }));
    expect(file.lesson).toEqual({ id: "little", version: 2, sha256: lesson.sha256 });
    expect([file.passed, file.of, file.steps[0].seen, file.steps[1].passedAt]).toEqual([1, 2, ["$cr0 & 1 = 0x1"], null]);
  });
});

// Reads a lesson: a folder on the server, a zip of one, or a single YAML file. Strangers write these: sizes are checked, unknown fields are refused,
// and a Fault names the file, the line and the key. Programs are disks in base64 (NAME.b64) or as they are (NAME.img).

import { unzipSync } from "fflate";
import { LineCounter, parseDocument } from "yaml";
import { breathe } from "../contract/breathe.ts";
import { joined } from "../contract/bytes.ts";
import { FaultError } from "../contract/schema.ts";
import { type LessonData, lessonSchema, patternsOf } from "./format.ts";
import { type LessonText, readText } from "./text.ts";

export const LESSON_LANGUAGES = ["en", "zh-CN"] as const;
export type LessonLanguage = (typeof LESSON_LANGUAGES)[number];
export interface Lesson extends LessonData {
  readonly texts: { readonly [language: string]: LessonText };
  readonly programs: { readonly [name: string]: Uint8Array };
  /** Sources of the programs, to be read beside the machine. */
  readonly sources: { readonly [name: string]: string };
  /** Of all files, so that results say what they are results of. */
  readonly sha256: string;
}
/** Files of a lesson by name, as a folder or a zip has them. */
export type LessonFiles = { readonly [name: string]: Uint8Array };
const MOST_FILE = 8 << 20;
const MOST_ZIP_FILES = 64;
const utf8 = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

type Document = ReturnType<typeof parseDocument>;
/** The line of the deepest part of "steps[2].check[0].value" that is there. */
function lineOf(doc: Document, lines: LineCounter, path: string, key: string | undefined): number {
  const parts: (string | number)[] = [...path.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map((m) => (m[1] === undefined ? m[0] : Number(m[1])));
  if (key !== undefined) parts.push(key);
  let at = 0;
  for (let n = 0; n <= parts.length; n++) {
    const node = n === 0 ? doc.contents : doc.getIn(parts.slice(0, n), true);
    const range = (node as { readonly range?: readonly number[] | null } | null | undefined)?.range;
    if (!range) break;
    at = range[0] ?? at;
  }
  return lines.linePos(at).line;
}
function wrong(file: string, line: number, what: string, hint?: string): FaultError {
  return new FaultError("lesson.invalid", `${file}, line ${line}: ${what}`, hint ?? "The README of public/lessons lists every key.");
}
export function readData(source: string, file = "lesson.yaml"): LessonData {
  const lines = new LineCounter();
  const doc = parseDocument(source, { lineCounter: lines, uniqueKeys: true });
  const [error] = doc.errors;
  if (error) throw wrong(file, error.linePos?.[0].line ?? 1, error.message.split("\n")[0] ?? "not YAML");
  let data: LessonData;
  const at = (path: string, key?: string) => lineOf(doc, lines, path, key);
  try {
    data = lessonSchema.parse(doc.toJS({ maxAliasCount: 50 }), "lesson");
  } catch (thrown) {
    if (!(thrown instanceof FaultError)) throw wrong(file, 1, thrown instanceof Error ? thrown.message : String(thrown));
    const { message, hint } = thrown.fault;
    const m = /^lesson(?:\.?)(.*?): (unknown field "(.*)"|.*)$/s.exec(message);
    const path = m?.[1] ?? "";
    throw wrong(file, at(path, m?.[3]), `${path === "" ? "" : `${path}: `}${m?.[2] ?? message}`, hint);
  }
  const names = Object.keys(data.machines);
  if (names.length === 0) throw wrong(file, at("machines"), "machines: expected at least one");
  for (const name of names) {
    const { program, guest } = data.machines[name] as LessonData["machines"][string];
    if ((program === "") === (guest === "")) throw wrong(file, at(`machines.${name}`), `machines.${name}: expected either program or guest`);
  }
  const seen = new Set<string>();
  data.steps.forEach((step, n) => {
    const here = `steps[${n}]`;
    if (seen.has(step.id)) throw wrong(file, at(`${here}.id`), `${here}.id: "${step.id}" is there twice`);
    seen.add(step.id);
    if (step.machine !== "" && !names.includes(step.machine)) throw wrong(file, at(`${here}.machine`), `${here}.machine: there is no machine "${step.machine}"`, `Known: ${names.join(", ")}`);
    if (patternsOf(step.check).some((p) => p.kind === "insn.at" && !p.a)) throw wrong(file, at(`${here}.check`), `${here}.check: insn.at needs an address (a)`);
  });
  return data;
}
function base64(text: string, file: string): Uint8Array {
  const clean = text.replace(/\s+/g, "");
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(clean)) throw new FaultError("lesson.file", `${file} is not base64.`);
  return Uint8Array.from(atob(clean), (c) => c.charCodeAt(0));
}
async function sha256(parts: readonly (readonly [string, Uint8Array])[]): Promise<string> {
  const encoder = new TextEncoder();
  const pieces = [...parts].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([name, bytes]) => [encoder.encode(`${name} ${bytes.length}\n`), bytes]);
  return [...new Uint8Array(await crypto.subtle.digest("SHA-256", joined(pieces)))].map((b) => b.toString(16).padStart(2, "0")).join("");
}
/** A disk whose size is a whole number of sectors. */
function asDisk(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(Math.max(1, Math.ceil(bytes.length / 512)) * 512);
  out.set(bytes);
  return out;
}
/** `known`: what lesson.yaml says, when it was read already. */
export async function readLesson(files: LessonFiles, known: LessonData | null = null): Promise<Lesson> {
  const yaml = files["lesson.yaml"];
  if (!yaml) throw new FaultError("lesson.file", "There is no lesson.yaml.", "A lesson is a folder with lesson.yaml, text.en.md and text.zh-CN.md.");
  const data = known ?? readData(utf8(yaml));
  const steps = data.steps.map((s) => s.id);
  const texts: { [language: string]: LessonText } = {};
  for (const language of LESSON_LANGUAGES) {
    const file = `text.${language}.md`;
    const found = files[file];
    const source = found ? utf8(found) : data.text[language];
    await breathe();
    if (source !== undefined) texts[language] = readText(source, found ? file : `lesson.yaml, text.${language}`, steps);
  }
  if (Object.keys(texts).length === 0) throw new FaultError("lesson.file", "The lesson has no text.", "text.en.md or text.zh-CN.md, or text in lesson.yaml.");
  const programs: { [name: string]: Uint8Array } = {};
  const sources: { [name: string]: string } = {};
  for (const { program } of Object.values(data.machines)) {
    if (program === "" || programs[program]) continue;
    const inside = data.files[program];
    const coded = files[`${program}.b64`];
    const bytes = inside !== undefined ? base64(inside, program) : coded ? base64(utf8(coded), `${program}.b64`) : files[`${program}.img`];
    if (!bytes) throw new FaultError("lesson.file", `The program "${program}" is missing.`, `${program}.img or ${program}.b64 beside lesson.yaml.`);
    programs[program] = asDisk(bytes);
    const source = files[`${program}.asm`];
    if (source) sources[program] = utf8(source);
  }
  return { ...data, texts, programs, sources, sha256: await sha256(Object.entries(files)) };
}
/** A file that somebody gave us: a zip of a folder, or one YAML file. */
export function filesOf(bytes: Uint8Array): LessonFiles {
  if (bytes.length > MOST_FILE) throw new FaultError("lesson.size", "The file is larger than 8 MiB.");
  if (bytes[0] !== 0x50 || bytes[1] !== 0x4b) return { "lesson.yaml": bytes };
  let count = 0;
  let total = 0;
  let entries: { readonly [name: string]: Uint8Array };
  try {
    entries = unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        if (name.endsWith("/")) return false;
        count++;
        total += originalSize;
        if (count > MOST_ZIP_FILES || total > MOST_FILE) throw new FaultError("lesson.size", "The archive holds too much.", "At most 64 files and 8 MiB.");
        return true;
      },
    });
  } catch (error) {
    if (error instanceof FaultError) throw error;
    throw new FaultError("lesson.file", `The archive cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  // The folder itself may be in the archive.
  const top = Object.keys(entries).find((n) => /(^|\/)lesson\.yaml$/.test(n));
  const prefix = top?.slice(0, -"lesson.yaml".length) ?? "";
  return Object.fromEntries(Object.entries(entries).flatMap(([name, data]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), data]] : [])));
}
/** The text in a language, or in the other one. */
export function textOf(lesson: Lesson, language: string): LessonText {
  return (lesson.texts[language] ?? lesson.texts.en ?? Object.values(lesson.texts)[0]) as LessonText;
}
/** Loads public/lessons/ID; `get` fetches a file of it, null when it is not there. */
export async function fetchLesson(get: (name: string) => Promise<Uint8Array | null>): Promise<Lesson> {
  const yaml = await get("lesson.yaml");
  if (!yaml) throw new FaultError("lesson.unknown", "There is no such lesson.", "Open the list of lessons.");
  const data = readData(utf8(yaml));
  const names = [...LESSON_LANGUAGES.map((l) => `text.${l}.md`), ...Object.values(data.machines).flatMap(({ program }) => (program === "" || data.files[program] !== undefined ? [] : [`${program}.b64`, `${program}.asm`]))];
  const files: { [name: string]: Uint8Array } = { "lesson.yaml": yaml };
  await Promise.all(
    [...new Set(names)].map(async (name) => {
      const bytes = await get(name);
      if (bytes) files[name] = bytes;
    }),
  );
  return readLesson(files, data);
}

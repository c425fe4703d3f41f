// Every language has every key with the same placeholders, and every key that the page uses exists and is used.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { faultText } from "./index.ts";

const here = import.meta.dirname;
const table = (name: string) => JSON.parse(readFileSync(join(here, name), "utf8")) as { readonly [key: string]: string };
const en = table("en.json");
const zh = table("zh-CN.json");
const holes = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

test("Chinese is complete", () => expect(Object.keys(zh)).toEqual(Object.keys(en)));
test("placeholders agree", () => {
  for (const key of Object.keys(en)) expect(holes(zh[key] ?? ""), key).toEqual(holes(en[key] ?? ""));
});
test("every key is used somewhere", () => {
  const ui = join(here, "../ui");
  const source = readdirSync(ui, { recursive: true, encoding: "utf8" }).filter((f) => /\.tsx?$/.test(f)).map((f) => readFileSync(join(ui, f), "utf8")).join("\n");
  const unused = Object.keys(en).filter((key) => !source.includes(`"${key}"`) && !/^(state|status)\./.test(key));
  expect(unused).toEqual([]);
});

// ---- Faults ----------------------------------------------------------------------------------------------------------

/** The arguments of every `new FaultError(…)` and `{ code: …, message: … }` of the sources, as written. */
interface Written {
  readonly file: string;
  readonly args: readonly string[];
}
const root = join(here, "../..");
const sources = [...readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).map((f) => join("src", f)), ...readdirSync(join(root, "workers"), { recursive: true, encoding: "utf8" }).map((f) => join("workers", f))]
  .filter((f) => /\.tsx?$/.test(f) && !/\.test\.ts$|\.gen\.ts$|testing|cpu\/core\//.test(f));
/** The end of a string, template or bracket that starts at `at`. */
function skip(text: string, at: number): number {
  const open = text[at] as string;
  const close = { "(": ")", "[": "]", "{": "}" }[open] ?? open;
  for (let i = at + 1; i < text.length; i++) {
    const c = text[i] as string;
    if (c === close) return i + 1;
    if ('"`'.includes(open)) {
      if (c === "\\") i++;
      else if (open === "`" && c === "$" && text[i + 1] === "{") i = skip(text, i + 1) - 1;
    } else if ('"`([{'.includes(c)) i = skip(text, i) - 1;
  }
  throw new Error("unclosed");
}
function argumentsAt(text: string, open: number): string[] {
  const end = skip(text, open) - 1;
  const args: string[] = [];
  let from = open + 1;
  for (let i = from; i <= end; i++) {
    if (i === end || text[i] === ",") {
      if (text.slice(from, i).trim() !== "") args.push(text.slice(from, i).trim());
      from = i + 1;
    } else if ('"`([{'.includes(text[i] as string)) i = skip(text, i) - 1;
  }
  return args;
}
const written: Written[] = [];
for (const file of sources) {
  const text = readFileSync(join(root, file), "utf8");
  for (const match of text.matchAll(/new FaultError\(/g)) written.push({ file, args: argumentsAt(text, match.index + match[0].length - 1) });
  for (const match of text.matchAll(/\{ code: ("[\w.-]+"), message: /g)) {
    const fields = argumentsAt(text, match.index).map((f) => f.replace(/^\w+: /, ""));
    written.push({ file, args: fields });
  }
}
/** A code as a word, or what else stands there. */
const codeOf = (w: Written) => /^"([\w.-]+)"$/.exec(w.args[0] ?? "")?.[1] ?? null;
/** Hand on a Fault that was made elsewhere. */
const HANDED_ON: readonly string[] = ["src/contract/domain.ts", "src/manager/controller.ts", "src/lessons/check.ts", "workers/debug-log.ts"];
type Variant = { readonly of?: string; readonly sentence: string; readonly hint?: string };
const faults = JSON.parse(readFileSync(join(here, "faults.zh-CN.json"), "utf8")) as { readonly [code: string]: readonly Variant[] };

test("Faults were found, and their codes are words", () => {
  expect(written.length).toBeGreaterThan(200);
  expect(written.filter((w) => codeOf(w) === null && !HANDED_ON.includes(w.file))).toEqual([]);
});
test("every Fault speaks Chinese, with a hint where it has one", () => {
  const codes = new Set(written.flatMap((w) => codeOf(w) ?? []));
  expect([...codes].filter((c) => !faults[c])).toEqual([]);
  expect(Object.keys(faults).filter((c) => !codes.has(c))).toEqual([]);
  for (const [code, variants] of Object.entries(faults)) {
    // The last one fits every sentence; those before it name theirs.
    expect(variants.map((v) => v.of === undefined), code).toEqual([...variants.slice(1).map(() => false), true]);
    for (const { of, sentence } of variants) for (const hole of holes(sentence)) expect(holes(of ?? ""), sentence).toContain(hole);
  }
  const unhinted = written.filter((w) => w.args.length > 2 && !(faults[codeOf(w) ?? ""]?.at(-1)?.hint ?? HANDED_ON.includes(w.file)));
  expect(unhinted).toEqual([]);
});
test("what Chinese sentences translate is said somewhere", () => {
  const shape = (text: string) => text.replace(/\{\w+\}/g, "{}");
  const said = (w: Written) => {
    let text = w.args[1] ?? "";
    for (let at = text.indexOf("${"); at >= 0; at = text.indexOf("${")) text = `${text.slice(0, at)}{}${text.slice(skip(text, at + 1))}`;
    return text.slice(1, -1).replaceAll('\\"', '"');
  };
  for (const [code, variants] of Object.entries(faults)) {
    const sentences = written.filter((w) => codeOf(w) === code).map(said);
    // A value of ours may stand for several of theirs, or theirs for a part of our sentence.
    for (const { of } of variants) if (of !== undefined) expect(sentences.some((s) => fitsLoosely(shape(of), s) || fitsLoosely(s, of)), `${code}: ${of}\n${sentences.join("\n")}`).toBe(true);
  }
});
function fitsLoosely(pattern: string, sentence: string): boolean {
  return new RegExp(`^${pattern.split("{}").map((p) => p.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join(".*")}$`).test(sentence);
}
test("a Fault in Chinese has its values, and a hint; else the English sentence follows", () => {
  const kernel = { code: "boot.kernel.truncated", message: "The kernel has 4096 bytes; its header announces 8002560.", hint: "Was the download complete?" };
  expect(faultText("zh-CN", kernel)).toEqual({ sentence: "内核文件有 4096 字节，而其文件头声明为 8002560 字节。", hint: "下载是否完整？", original: null });
  expect(faultText("zh-CN", { ...kernel, message: "The kernel file ends inside its setup code." })).toEqual({ sentence: "内核文件不完整。", hint: "下载是否完整？", original: "The kernel file ends inside its setup code." });
  expect(faultText("en", kernel)).toEqual({ sentence: kernel.message, hint: kernel.hint, original: null });
  expect(faultText("zh-CN", { code: "debug.length", message: "5000 bytes cannot be watched.", hint: "1 to 4096." }).sentence).toBe("不能监视 5000 字节。");
});

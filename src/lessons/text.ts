// The text of a lesson: Markdown, one file for each language. "# Title", an introduction, then "## Step" for each step in order; in a step
// "### ? ..." begins a hint, "### ! ..." what is read after the step has passed. Read into marked's tokens: the page draws them as elements, so that
// no HTML of a lesson ever becomes part of the page.

import { lexer, type Token, type Tokens } from "marked";
import { FaultError } from "../contract/schema.ts";

export interface Section {
  readonly title: string;
  readonly body: readonly Token[];
}
export interface StepText extends Section {
  readonly hints: readonly Section[];
  readonly after: readonly Section[];
}
export interface LessonText extends Section {
  readonly steps: readonly StepText[];
}
const MOST_TEXT = 1 << 18;

function fault(file: string, line: number, what: string): never {
  throw new FaultError("lesson.text", `${file}, line ${line}: ${what}`, "# title, ## for each step in the order of lesson.yaml, ### ? for hints, ### ! for what follows.");
}
export function readText(source: string, file: string, steps: readonly string[]): LessonText {
  if (source.length > MOST_TEXT) fault(file, 1, "the text is too long.");
  let title: string | null = null;
  const intro: Token[] = [];
  const out: { title: string; body: Token[]; hints: Section[]; after: Section[] }[] = [];
  let into = intro;
  let line = 1;
  for (const token of lexer(source.replace(/\r\n?/g, "\n"))) {
    const at = line;
    line += token.raw.split("\n").length - 1;
    if (token.type !== "heading" || (token as Tokens.Heading).depth > 3) {
      if (title === null && token.type !== "space") fault(file, at, "the title is missing: # before everything else.");
      into.push(token);
      continue;
    }
    const { depth, text } = token as Tokens.Heading;
    if (depth === 1) {
      if (title !== null) fault(file, at, "there is a second title (#).");
      title = text;
    } else if (title === null) fault(file, at, "the title is missing: # before everything else.");
    else if (depth === 2) {
      if (out.length === steps.length) fault(file, at, `"${text}" is one section (##) more than there are steps (${steps.length}).`);
      into = [];
      out.push({ title: text, body: into, hints: [], after: [] });
    } else {
      const step = out.at(-1);
      const mark = /^([?!])\s*(.*)$/.exec(text);
      if (!step || !mark) fault(file, at, `"### ${text}" is neither a hint (### ?) nor what follows (### !) of a step.`);
      into = [];
      (mark[1] === "?" ? step.hints : step.after).push({ title: mark[2] as string, body: into });
    }
  }
  if (title === null) fault(file, 1, "the title is missing.");
  if (out.length < steps.length) fault(file, line, `the step "${steps[out.length]}" has no section (##).`);
  return { title, body: intro, steps: out };
}

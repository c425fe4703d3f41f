// Splits a command line pasted from a book or a script into words, as a POSIX shell does: quotes, backslashes, continued lines.
// Left out on purpose: variables, substitutions, pipes and redirections, which are refused by name: nothing is executed here.

import { FaultError } from "../contract/schema.ts";

const PROGRAMS = new Set(["qemu", "qemu-system-x86_64", "qemu-system-i386", "qemu-kvm", "kvm", "guesthouse"]);

export function splitCommandLine(text: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let i = 0;
  const refuse = (what: string): never => {
    throw new FaultError("flags.shell", `The command line uses ${what}, which only a shell can run.`, "Replace it by what it stands for, and paste one command.");
  };
  while (i < text.length) {
    const c = text[i] as string;
    if (c === "\\") {
      const next = text[i + 1];
      if (next === "\r" && text[i + 2] === "\n") i += 3;
      else if (next === "\n") i += 2;
      else {
        if (next !== undefined) word = (word ?? "") + next;
        i += 2;
      }
      continue;
    }
    if (c === "'" || c === '"') {
      word ??= "";
      i++;
      for (;;) {
        const inside = text[i];
        if (inside === undefined) throw new FaultError("flags.quote", `The command line has a ${c} without its partner.`);
        if (inside === c) break;
        if (c === '"' && inside === "\\" && ['"', "\\", "$", "`"].includes(text[i + 1] ?? "")) {
          word += text[i + 1];
          i += 2;
        } else if (c === '"' && inside === "\\" && text[i + 1] === "\n") i += 2;
        else if (c === '"' && (inside === "$" || inside === "`")) refuse(inside === "$" ? "a variable" : "a command substitution");
        else {
          word += inside;
          i++;
        }
      }
      i++;
      continue;
    }
    if (/\s/.test(c)) {
      if (word !== null) words.push(word);
      word = null;
      if (c === "\n" && words.length > 0 && text.slice(i).trim() !== "") refuse("a second line (end each line but the last with a backslash)");
      i++;
      continue;
    }
    if (c === "#" && word === null) {
      while (i < text.length && text[i] !== "\n") i++;
      continue;
    }
    if (c === "$" && word === null && words.length === 0 && /^\$\s/.test(text.slice(i))) {
      i++; // a prompt
      continue;
    }
    if (c === "$") refuse("a variable");
    if (c === "`") refuse("a command substitution");
    if (c === "|") refuse("a pipe");
    if (c === ">" || c === "<") refuse("a redirection");
    if (c === ";") refuse("a semicolon");
    if (c === "&") {
      if (text.slice(i + 1).trim() !== "") refuse("several commands");
      i++;
      continue;
    }
    word = (word ?? "") + c;
    i++;
  }
  if (word !== null) words.push(word);
  return words;
}

/** The flags of a pasted line: without `sudo` and the program's name, which must be a PC's. */
export function flagsOfCommandLine(text: string): string[] {
  const words = splitCommandLine(text);
  if (words[0] === "sudo") words.shift();
  const program = words[0];
  if (program === undefined || program.startsWith("-")) return words;
  const name = program.replace(/^.*\//, "");
  if (PROGRAMS.has(name)) words.shift();
  else if (name.startsWith("qemu-system-"))
    throw new FaultError("flags.machine", `${name} emulates another kind of computer.`, "Guesthouse is a PC: qemu-system-x86_64 or qemu-system-i386.");
  return words;
}

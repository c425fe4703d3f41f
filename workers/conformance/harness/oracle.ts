// Feeds cases to the host CPU (exec.c, built with gcc) and collects what it did.

import { spawnSync } from "node:child_process";
import { STATE_SIZE } from "./cases.ts";

export interface Question {
  readonly mode: number;
  readonly code: Uint8Array;
  readonly before: Uint8Array;
}
/** Room for mode, length and code before the state (exec.c). */
const HEAD = 128;
export function ask(program: string, questions: readonly Question[]): { vector: number; after: Uint8Array }[] {
  const input = Buffer.alloc(questions.length * (HEAD + STATE_SIZE));
  questions.forEach((q, i) => {
    const at = i * (HEAD + STATE_SIZE);
    input[at] = q.mode;
    input[at + 1] = q.code.length;
    input.set(q.code, at + 2);
    input.set(q.before, at + HEAD);
  });
  const result = spawnSync(program, { input, maxBuffer: 1 << 30 });
  const size = 8 + STATE_SIZE;
  if (result.stdout.length !== questions.length * size) throw new Error(`oracle: ${result.stdout.length / size} answers to ${questions.length} questions`);
  return questions.map((_, i) => {
    const v = result.stdout.readUInt32LE(i * size);
    return { vector: v === 0xffffffff ? 255 : v, after: Uint8Array.from(result.stdout.subarray(i * size + 8, (i + 1) * size)) };
  });
}

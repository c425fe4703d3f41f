// What a console shows: lines that were typed, printed or refused. The monitor and the img shell use the same.

import type { ReactNode } from "react";
import type { Fault } from "../contract/schema.ts";
import { faultText, type Language } from "../i18n/index.ts";

export interface Line {
  readonly kind: "input" | "output" | "error";
  readonly text: string;
  /** What was typed for this output. */
  readonly command?: string;
}
export function faultLine(language: Language, fault: Fault): Line {
  const { sentence, hint, original } = faultText(language, fault);
  return { kind: "error", text: `${[sentence, hint, original].filter(Boolean).join(" ")} [${fault.code}]` };
}
/** `prompt`: what stands before a line that was typed. `output`: how output is shown, as it is when left out. */
export function Lines({ lines, prompt, output }: { readonly lines: readonly Line[]; readonly prompt: (text: string) => string; readonly output?: (line: Line) => ReactNode }) {
  return lines.map((l, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: lines are only appended
    <pre key={i} className={l.kind} translate="no">
      {l.kind === "input" ? prompt(l.text) : l.kind === "output" && output ? output(l) : l.text}
    </pre>
  ));
}

// What a console shows: lines that were typed, printed or refused. The monitor and the img shell use the same.

import type { Fault } from "../contract/schema.ts";
import { faultText, type Language } from "../i18n/index.ts";

export interface Line {
  readonly kind: "input" | "output" | "error";
  readonly text: string;
}
export function faultLine(language: Language, fault: Fault): Line {
  const { sentence, hint, original } = faultText(language, fault);
  return { kind: "error", text: `${[sentence, hint, original].filter(Boolean).join(" ")} [${fault.code}]` };
}
/** `prompt`: what stands before a line that was typed. */
export function Lines({ lines, prompt }: { readonly lines: readonly Line[]; readonly prompt: (text: string) => string }) {
  return lines.map((l, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: lines are only appended
    <pre key={i} className={l.kind} translate="no">
      {l.kind === "input" ? prompt(l.text) : l.text}
    </pre>
  ));
}

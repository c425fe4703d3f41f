// A field that stands at an address: typed, then Enter; and the line that says why something could not be done.

import { type ReactNode, useEffect, useState } from "react";
import type { Fault } from "../../contract/schema.ts";
import { faultText } from "../../i18n/index.ts";
import { useLanguage } from "../use-text.ts";

export function AddressField({ label, value, onGo, children, testId }: { readonly label: string; readonly value: string; onGo(text: string): void; readonly children?: ReactNode; readonly testId?: string }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  return (
    <form
      className="insp-bar"
      onSubmit={(e) => {
        e.preventDefault();
        onGo(text.trim() === "" ? value : text.trim());
      }}
    >
      <input type="text" value={text} onChange={(e) => setText(e.target.value)} aria-label={label} title={label} spellCheck={false} autoComplete="off" translate="no" data-testid={testId} />
      {children}
    </form>
  );
}
export function FaultLine({ fault }: { readonly fault: Fault | null }) {
  const language = useLanguage();
  if (!fault) return null;
  const { sentence, hint } = faultText(language, fault);
  return (
    <p className="insp-fault" role="alert" title={fault.code} translate="no">
      {sentence} {hint}
    </p>
  );
}

// Faults as sentences with a hint, announced to screen readers, gone when dismissed.

import type { Fault } from "../contract/schema.ts";
import { faultSentence, type Language } from "../i18n/index.ts";
import { actions, useApp } from "../store/index.ts";
import { Icon } from "./icons.tsx";
import { useLanguage, useText } from "./use-text.ts";

/** The sentence in the person's language; the English original follows as detail where it says more. */
export function faultText(language: Language, fault: Fault): { readonly sentence: string; readonly hint: string | null } {
  const own = faultSentence(language, fault.code);
  if (language === "qps") return { sentence: own ?? "", hint: null };
  if (own) return { sentence: own, hint: fault.message };
  return { sentence: fault.message, hint: fault.hint ?? null };
}
export function FaultBox({ fault }: { readonly fault: Fault }) {
  const language = useLanguage();
  const { sentence, hint } = faultText(language, fault);
  return (
    <div className="fault" data-code={fault.code}>
      <p>{sentence}</p>
      {hint && <p className="fault-hint">{hint}</p>}
      <p className="fault-code" translate="no">
        {fault.code}
      </p>
    </div>
  );
}
export function Notices() {
  const t = useText();
  const notices = useApp((s) => s.notices);
  return (
    <div className="notices" role="status" aria-live="polite" data-testid="notices">
      {notices.map(({ key, fault }) => (
        <div key={key} className="notice">
          <FaultBox fault={fault} />
          <button type="button" className="icon-only quiet" aria-label={t("notice.dismiss")} title={t("notice.dismiss")} onClick={() => actions.dismiss(key)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}

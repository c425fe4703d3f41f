// Faults as sentences with a hint, announced to screen readers, gone when dismissed.

import type { Fault } from "../contract/schema.ts";
import { faultText } from "../i18n/index.ts";
import { actions, useApp } from "../store/index.ts";
import { Icon } from "./icons.tsx";
import { useLanguage, useText } from "./use-text.ts";

export function FaultBox({ fault }: { readonly fault: Fault }) {
  const language = useLanguage();
  const { sentence, hint, original } = faultText(language, fault);
  return (
    <div className="fault" data-code={fault.code}>
      <p>{sentence}</p>
      {hint && <p className="fault-hint">{hint}</p>}
      {original && (
        <p className="fault-code" translate="no" lang="en">
          {original}
        </p>
      )}
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

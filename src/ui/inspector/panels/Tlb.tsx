// The translations that the processor has cached, by context (kernel, user, kernel under SMAP), with a filter by address.

import { memo, useState } from "react";
import { useText } from "../../use-text.ts";
import { Address } from "../Address.tsx";
import { FaultLine } from "../Editable.tsx";
import { useLook } from "../look.ts";

interface Entry {
  readonly context: number;
  readonly linear: bigint;
  readonly physical: bigint | null;
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
}
const CONTEXTS = ["insp.tlb.kernel", "insp.tlb.user", "insp.tlb.smap", "insp.tlb.aligned"] as const;
const MOST = 100;
export default function Tlb() {
  const t = useText();
  const [filter, setFilter] = useState("");
  const { value, fault } = useLook<readonly Entry[]>("info tlb", {}, 1000);
  const wanted = filter.trim().replace(/^0x/, "").toLowerCase();
  const all = value ?? [];
  const found = wanted === "" ? all : all.filter((e) => e.linear.toString(16).includes(wanted) || e.physical?.toString(16).includes(wanted));
  return (
    <div className="insp-panel" data-testid="panel-tlb">
      <div className="insp-bar">
        <input type="text" value={filter} onChange={(e) => setFilter(e.target.value)} placeholder={t("insp.filter")} aria-label={t("insp.filter")} spellCheck={false} />
        <span className="hint">{t("insp.tlb.count", { shown: Math.min(MOST, found.length), all: all.length })}</span>
      </div>
      <FaultLine fault={fault} />
      <div className="insp-scroll">
        <table className="insp-table">
          <thead>
            <tr>
              <th>{t("insp.tlb.linear")}</th>
              <th>{t("insp.tlb.physical")}</th>
              <th>{t("insp.tlb.rights")}</th>
              <th>{t("insp.tlb.context")}</th>
            </tr>
          </thead>
          <tbody translate="no">
            {found.slice(0, MOST).map((e) => (
              <Row key={`${e.context}/${e.linear}`} {...e} />
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
/** Drawn again only when its entry changed: the panel asks each second, and most entries stay. */
const Row = memo(function Row({ context, linear, physical, read, write, execute }: Entry) {
  const t = useText();
  return (
    <tr>
      <td>
        <Address at={linear} digits={8} />
      </td>
      <td>{physical === null ? "–" : <Address at={physical} physical digits={8} />}</td>
      <td>
        {read ? "r" : "-"}
        {write ? "w" : "-"}
        {execute ? "x" : "-"}
      </td>
      <td translate="yes">{t(CONTEXTS[context] ?? "insp.tlb.kernel")}</td>
    </tr>
  );
});

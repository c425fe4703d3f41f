// GDT, LDT, IDT (or the vectors of real mode) and the task state segment, in words.

import { useEffect, useRef } from "react";
import type { Descriptor, DescriptorKind, DescriptorTable, TaskState } from "../../../contract/inspect.ts";
import type { Key } from "../../../i18n/index.ts";
import { inspected, inspectorActions, useInspector } from "../../../store/index.ts";
import { type T, useText } from "../../use-text.ts";
import { Address, hex, symbolText } from "../Address.tsx";
import { FaultLine } from "../Editable.tsx";
import { useLook, useMachine } from "../look.ts";
import { showRow } from "../scroll.ts";

const kinds: { readonly [K in DescriptorKind]: Key } = {
  null: "insp.desc.null", code: "insp.desc.code", data: "insp.desc.data", ldt: "insp.desc.ldt", tss: "insp.desc.tss", "call-gate": "insp.desc.callGate",
  "task-gate": "insp.desc.taskGate", "interrupt-gate": "insp.desc.interruptGate", "trap-gate": "insp.desc.trapGate", reserved: "insp.desc.reserved",
};
const flags: { readonly [F in Descriptor["flags"][number]]: Key } = { accessed: "insp.desc.accessed", readable: "insp.desc.readable", writable: "insp.desc.writable", conforming: "insp.desc.conforming", "expand-down": "insp.desc.expandDown" };
/** SDM 3A table 6-1; names as in the manual. */
const EXCEPTIONS = ["#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "", "#TS", "#NP", "#SS", "#GP", "#PF", "", "#MF", "#AC", "#MC", "#XM", "#VE", "#CP"];
const which = ["gdt", "idt", "ldt", "tss"] as const;

export default function Tables() {
  const t = useText();
  const { row } = useMachine();
  // Links lead to a table and an entry of it (InterruptPaths.tsx).
  const [wanted, entry] = useInspector((s) => inspected(s, row.id).tables).split(" ");
  const shown = which.find((name) => name === wanted) ?? "gdt";
  return (
    <div className="insp-panel" data-testid="panel-tables">
      <div className="insp-bar">
        {which.map((name) => (
          <button key={name} type="button" aria-pressed={shown === name} onClick={() => inspectorActions.place(row.id, "tables", name)} translate="no" data-testid={`table-${name}`}>
            {name.toUpperCase()}
          </button>
        ))}
      </div>
      {shown === "tss" ? <Tss /> : <Table key={`${shown} ${entry ?? ""}`} name={shown} meant={entry === undefined ? -1 : Number(entry)} t={t} />}
    </div>
  );
}
function Table({ name, meant, t }: { readonly name: "gdt" | "idt" | "ldt"; readonly meant: number; readonly t: T }) {
  const there = useRef<HTMLTableRowElement>(null);
  const { value: table, fault } = useLook<DescriptorTable | null>(`info ${name}`, {}, 1000);
  const known = table !== null;
  useEffect(() => {
    if (known) showRow(there.current, "center");
  }, [known]);
  if (fault) return <FaultLine fault={fault} />;
  if (!table) return <p className="hint insp-empty">{name === "ldt" ? t("insp.desc.noLdt") : ""}</p>;
  const entries = table.entries.filter((d) => d.kind !== "null");
  return (
    <div className="insp-scroll">
      <p className="hint insp-note">
        <span translate="no">{table.name}</span> {t("insp.desc.at")}{" "}
        <span translate="no">
          <Address at={table.base} text={`0x${hex(table.base)}`} /> · 0x{hex(table.limit)}
        </span>
        {table.unreadable > 0 && ` · ${t("insp.desc.unreadable", { count: table.unreadable })}`}
      </p>
      <table className="insp-table">
        <tbody translate="no">
          {entries.map((d) => (
            <tr key={d.index} ref={d.index === meant ? there : null} className={`${d.present ? "" : "faint"}${d.index === meant ? " current" : ""}`} data-entry={d.index}>
              <th scope="row">{name === "idt" ? `${d.index} ${EXCEPTIONS[d.index] ?? ""}` : hex(d.selector, 4)}</th>
              <td>
                <span translate="yes">
                  {t(kinds[d.kind])}
                  {d.busy && ` ${t("insp.desc.busy")}`}
                  {!d.present && ` ${t("insp.desc.absent")}`}
                </span>{" "}
                {d.bits !== null && `${d.bits}`}
              </td>
              <td>DPL {d.dpl}</td>
              <td>
                {d.target ? (
                  <>
                    {hex(d.target.selector, 4)}:
                    <Address at={table.name === "IVT" ? BigInt(d.target.selector) * 16n + d.target.offset : d.target.offset} text={hex(d.target.offset, table.name === "IVT" ? 4 : 8)} /> {symbolText(d.target.symbol)}
                    {d.ist > 0 && ` IST${d.ist}`}
                  </>
                ) : d.base !== null ? (
                  <>
                    <Address at={d.base} digits={8} /> + {hex(d.limit ?? 0n, 0)}
                  </>
                ) : null}
              </td>
              <td translate="yes">{d.flags.map((f) => t(flags[f])).join(", ")}</td>
              <td>{d.held.join(" ")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
function Tss() {
  const t = useText();
  const { value, fault } = useLook<TaskState>("info tss", {}, 1000);
  if (fault || !value) return <FaultLine fault={fault} />;
  if (value.bits === null) return <p className="hint insp-empty">{t("insp.desc.noTss")}</p>;
  return (
    <div className="insp-scroll" translate="no">
      <p className="hint insp-note">
        TSS {hex(value.selector, 4)}, {value.bits}, <Address at={value.base} text={`0x${hex(value.base)}`} />
      </p>
      <table className="insp-table">
        <tbody>
          {value.fields.map((f) => (
            <tr key={f.name}>
              <th scope="row">{f.name}</th>
              <td>{f.name === "I/O map" || /^(..|SS\d|link|LDT)$/.test(f.name) ? hex(f.value, 4) : <Address at={f.value} digits={value.bits === 64 ? 16 : 8} />}</td>
            </tr>
          ))}
          <tr>
            <th scope="row" translate="yes">
              {t("insp.desc.openPorts")}
            </th>
            <td>{value.openPorts.map(([a, b]) => (a === b ? hex(a, 4) : `${hex(a, 4)}-${hex(b, 4)}`)).join(" ") || "–"}</td>
          </tr>
        </tbody>
      </table>
    </div>
  );
}

// Everything that stops the machine: execution, data, ports, vectors, mode, ring and CR3 changes, each with a condition. Typed as in the monitor.

import { useState } from "react";
import type { Breakpoint, BreakWhat } from "../../../contract/debug.ts";
import type { Fault } from "../../../contract/schema.ts";
import type { Key } from "../../../i18n/index.ts";
import { Icon } from "../../icons.tsx";
import { type T, useText } from "../../use-text.ts";
import { Address, hex } from "../Address.tsx";
import { FaultLine } from "../Editable.tsx";
import { useAct, useLook } from "../look.ts";

const kinds = [
  ["break", "insp.bp.execute", "0x7c00"],
  ["watch", "insp.bp.write", "0xb8000 /2"],
  ["rwatch", "insp.bp.read", "$rsp /8"],
  ["awatch", "insp.bp.access", "p:0x1000 /4"],
  ["port", "insp.bp.port", "0x60"],
  ["vector", "insp.bp.vector", "14"],
  ["interrupt", "insp.bp.interrupt", ""],
  ["mode", "insp.bp.mode", ""],
  ["ring", "insp.bp.ring", ""],
  ["cr3", "insp.bp.cr3", ""],
] as const satisfies readonly (readonly [string, Key, string])[];
type Kind = (typeof kinds)[number][0];

export default function Breakpoints() {
  const t = useText();
  const act = useAct();
  const { value, fault } = useLook<readonly Breakpoint[]>("info breakpoints", {}, 500);
  const [kind, setKind] = useState<Kind>("break");
  const [what, setWhat] = useState("");
  const [condition, setCondition] = useState("");
  const [failed, setFailed] = useState<Fault | null>(null);
  const row = kinds.find(([id]) => id === kind) as (typeof kinds)[number];
  const add = async () => {
    const place = what.trim() || (kind === "break" ? "$rip" : "");
    const tail = condition.trim() ? ` if ${condition.trim()}` : "";
    const data = kind.endsWith("watch");
    const text = kind === "break" || data ? place.replace(/^p:/, "phys ") : `${kind} ${place}`.trim();
    const result = await act(data ? kind : "break", { what: `${text}${tail}` });
    setFailed(result.fault);
    if (!result.fault) setWhat("");
  };
  const change = async (command: string, args: { readonly [name: string]: unknown }) => setFailed((await act(command, args)).fault);
  return (
    <div className="insp-panel" data-testid="panel-breakpoints">
      <form
        className="insp-bar wrap"
        onSubmit={(e) => {
          e.preventDefault();
          void add();
        }}
      >
        <select value={kind} onChange={(e) => setKind(e.target.value as Kind)} aria-label={t("insp.bp.kind")} data-testid="bp-kind">
          {kinds.map(([id, label]) => (
            <option key={id} value={id}>
              {t(label)}
            </option>
          ))}
        </select>
        {row[2] !== "" && <input type="text" value={what} onChange={(e) => setWhat(e.target.value)} placeholder={row[2]} aria-label={t("insp.bp.place")} spellCheck={false} data-testid="bp-what" />}
        <input type="text" value={condition} onChange={(e) => setCondition(e.target.value)} placeholder={t("insp.bp.condition")} aria-label={t("insp.bp.condition")} spellCheck={false} data-testid="bp-condition" />
        <button type="submit" data-testid="bp-add">
          <Icon name="plus" />
          {t("insp.bp.set")}
        </button>
      </form>
      <FaultLine fault={failed ?? fault} />
      <div className="insp-scroll">
        {value?.length === 0 && <p className="hint insp-empty">{t("insp.bp.none")}</p>}
        <ul className="insp-list">
          {value?.map((b) => (
            <li key={b.id} data-testid="breakpoint">
              <label className="inline">
                <input type="checkbox" checked={b.enabled} onChange={(e) => void change("breakpoint", { id: b.id, on: e.target.checked })} />
                <span translate="no">{b.id}</span>
              </label>
              <span>{whatText(t, b.what)}</span>
              {"address" in b.what && (
                <span translate="no">
                  <Address at={b.what.address} physical={b.what.physical} text={`${b.what.physical ? "p:" : ""}0x${hex(b.what.address)}`} />
                </span>
              )}
              {b.condition && (
                <code translate="no" className="insp-condition">
                  {b.condition}
                </code>
              )}
              <span className="spacer" />
              <span className="hint">{t("insp.bp.hits", { count: b.hits })}</span>
              <button type="button" className="icon-only quiet" aria-label={t("insp.bp.delete", { number: b.id })} title={t("insp.bp.delete", { number: b.id })} onClick={() => void change("delete", { id: b.id })}>
                <Icon name="trash" />
              </button>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
function whatText(t: T, what: BreakWhat): string {
  switch (what.kind) {
    case "execute":
      return t("insp.bp.execute");
    case "data":
      return `${t(what.access === "read" ? "insp.bp.read" : what.access === "write" ? "insp.bp.write" : "insp.bp.access")}, ${what.length}`;
    case "port":
      return `${t("insp.bp.port")} 0x${what.from.toString(16)}${what.to === what.from ? "" : `-0x${what.to.toString(16)}`}`;
    case "vector":
      return `${t("insp.bp.vector")} ${what.vector}`;
    default:
      return t(`insp.bp.${what.kind}`);
  }
}

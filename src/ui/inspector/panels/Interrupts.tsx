// The way of interrupts as a drawing (InterruptPaths.tsx), and under it whole registers: lines with their levels and counts, the 8259 pair's and the local APIC's requests (IRR), service (ISR) and masks (IMR) as lights,
// the I/O APIC's pins, and how often the processor took each vector. The counts are those of /proc/interrupts.

import type { Interrupts as State } from "../../../contract/inspect.ts";
import { useText } from "../../use-text.ts";
import { FaultLine } from "../Editable.tsx";
import { useLook } from "../look.ts";
import { InterruptPaths } from "./InterruptPaths.tsx";
import { bits, isTimer, LINES, vectorText } from "./interrupt-words.ts";
import { Light } from "./Light.tsx";

const DELIVERY = ["fixed", "lowest", "SMI", "?", "NMI", "INIT", "?", "ExtINT"];
const LVT = ["timer", "thermal", "perf", "LINT0", "LINT1", "error"];
const REGISTERS = [["irr", "insp.irq.irr"], ["isr", "insp.irq.isr"], ["imr", "insp.irq.imr"]] as const;

export default function Interrupts() {
  const t = useText();
  const { value: i, fault } = useLook<State>("info interrupts");
  if (!i) return <FaultLine fault={fault} />;
  const pinsOf = (vector: number) => i.ioApic.filter((p) => p.vector === vector && !p.masked).map((p) => p.pin);
  const source = (vector: number, by: 0 | 1) => {
    if (by === 0) {
      const line = i.pic.findIndex((p) => (vector & 0xf8) === p.base) * 8 + (vector & 7);
      return line < 0 ? "" : `IRQ ${line} ${LINES[line] ?? ""}`;
    }
    if (isTimer(i, vector)) return "LAPIC timer";
    return pinsOf(vector).map((p) => `GSI ${p} ${LINES[p] ?? ""}`).join(", ");
  };
  return (
    <div className="insp-scroll insp-irq" data-testid="panel-interrupts">
      <FaultLine fault={fault} />
      <InterruptPaths i={i} />
      <section>
        <h4>{t("insp.irq.vectors")}</h4>
        <table className="insp-table">
          <thead>
            <tr>
              <th>{t("insp.irq.vector")}</th>
              <th className="number">{t("insp.irq.count")}</th>
              <th>{t("insp.irq.from")}</th>
              <th>{t("insp.irq.by")}</th>
            </tr>
          </thead>
          <tbody translate="no">
            {i.vectors.map((v) => (
              <tr key={`${v.vector}/${v.by}`} data-vector={v.vector} data-by={v.by} data-count={v.count} data-pins={v.by ? pinsOf(v.vector).join(" ") : ""} data-timer={v.by === 1 && isTimer(i, v.vector)}>
                <td>{vectorText(v.vector)}</td>
                <td className="number">{v.count}</td>
                <td>{source(v.vector, v.by)}</td>
                <td>{v.by ? "LAPIC" : "8259"}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {i.vectors.length === 0 && <p className="hint">{t("insp.irq.none")}</p>}
      </section>
      <section>
        <h4 translate="no">8259</h4>
        <table className="insp-table lights" translate="no">
          <thead>
            <tr>
              <th>IRQ</th>
              {Array.from({ length: 16 }, (_, n) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: lines stay in place
                <th key={n} title={LINES[n]}>
                  {n}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {REGISTERS.map(([name, hint]) => (
              <tr key={name}>
                <th scope="row" title={t(hint)}>
                  {name.toUpperCase()}
                </th>
                {i.pic.flatMap((p, half) =>
                  Array.from({ length: 8 }, (_, n) => {
                    const on = ((p[name] >> n) & 1) === 1;
                    // biome-ignore lint/suspicious/noArrayIndexKey: lines stay in place
                    return <td key={`${half}/${n}`}><Light on={on} kind={name} /></td>;
                  }),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {i.local && (
        <section>
          <h4 translate="no">LAPIC</h4>
          <p translate="no" className="insp-mono">
            TPR {vectorText(i.local.tpr)} · PPR {vectorText(i.local.ppr)} · IRR {bits(i.local.irr).map(vectorText).join(" ") || "–"} · ISR {bits(i.local.isr).map(vectorText).join(" ") || "–"}
          </p>
          <p translate="no" className="insp-mono">
            {i.local.lvt.slice(0, 6).map((v, n) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: entries stay in place
              <span key={n} className={v & 0x10000 ? "pill faint" : "pill"} title={t(v & 0x10000 ? "insp.irq.masked" : "insp.irq.open")}>
                {LVT[n]} {vectorText(v & 255)}
              </span>
            ))}
          </p>
        </section>
      )}
      <section>
        <h4>{t("insp.irq.lines")}</h4>
        <table className="insp-table">
          <thead>
            <tr>
              <th translate="no">GSI</th>
              <th>{t("insp.irq.wired")}</th>
              <th>{t("insp.irq.level")}</th>
              <th className="number">{t("insp.irq.rises")}</th>
              <th translate="no">I/O APIC</th>
            </tr>
          </thead>
          <tbody translate="no">
            {i.lines.map((line, n) => {
              const pin = i.ioApic[n];
              if (line.rises === 0 && (!pin || pin.masked) && LINES[n] === undefined) return null;
              return (
                // biome-ignore lint/suspicious/noArrayIndexKey: lines stay in place
                <tr key={n} data-gsi={n} data-rises={line.rises}>
                  <td>{n}</td>
                  <td>{LINES[n] ?? ""}</td>
                  <td>
                    <Light on={line.high} kind="irr" />
                  </td>
                  <td className="number">{line.rises}</td>
                  <td className={pin?.masked ? "faint" : ""}>{pin ? `${vectorText(pin.vector)} ${pin.level ? "level" : "edge"} ${DELIVERY[pin.delivery]}${pin.masked ? " (masked)" : ""}` : ""}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
    </div>
  );
}

// The way of every interrupt, drawn from left to right: device and line, 8259 pair or I/O APIC, local APIC, gate of the IDT, handler. Each chip shows its
// lights (IRR, ISR, IMR) for this interrupt; a way lights up when its count grew since the last look. A click leads to the panel behind each station.

import { type ReactNode, useRef } from "react";
import type { Interrupts } from "../../../contract/inspect.ts";
import type { Key } from "../../../i18n/index.ts";
import { inspectorActions } from "../../../store/index.ts";
import { useText } from "../../use-text.ts";
import { Address, hex, symbolText } from "../Address.tsx";
import { useMachine } from "../look.ts";
import { LINES, type Path, pathsOf, vectorText } from "./interrupt-words.ts";
import { Light } from "./Light.tsx";

const COLUMNS: readonly Key[] = ["insp.path.line", "insp.path.controller", "insp.path.local", "insp.path.gate", "insp.path.handler"];
const bit = (words: readonly number[], n: number) => (((words[n >> 5] ?? 0) >>> (n & 31)) & 1) === 1;
/** Counts over the last looks, for a rate. */
const WINDOW_MS = 2000;

export function InterruptPaths({ i }: { readonly i: Interrupts }) {
  const t = useText();
  const seen = useRef<{ readonly at: number; readonly counts: ReadonlyMap<string, number> }[]>([]);
  const last = useRef<Interrupts | null>(null);
  const keyOf = (p: Path) => `${p.vector}/${p.by}`;
  const paths = pathsOf(i);
  if (last.current !== i) {
    last.current = i;
    const now = performance.now();
    seen.current = [...seen.current.filter((s) => now - s.at < WINDOW_MS), { at: now, counts: new Map(paths.map((p) => [keyOf(p), p.count])) }];
  }
  const looks = seen.current;
  const [first, newest, before] = [looks[0], looks[looks.length - 1], looks[looks.length - 2]];
  const seconds = first && newest ? (newest.at - first.at) / 1000 : 0;
  const grown = (p: Path, since: (typeof looks)[number] | undefined) => p.count - (since?.counts.get(keyOf(p)) ?? p.count);
  return (
    <section data-testid="interrupt-paths">
      <h4>{t("insp.path.title")}</h4>
      <p className="hint insp-note">{t("insp.path.hint")}</p>
      <div className="insp-paths">
        <div className="insp-path-head" aria-hidden="true">
          <span>{t("insp.path.vector")}</span>
          {COLUMNS.map((key) => (
            <span key={key}>{t(key)}</span>
          ))}
        </div>
        <ol>
          {paths.map((p) => (
            <Row key={`${keyOf(p)}/${p.pin}`} i={i} path={p} fired={grown(p, before) > 0} rate={seconds > 0.4 ? grown(p, first) / seconds : 0} />
          ))}
        </ol>
      </div>
      {paths.length === 0 && <p className="hint insp-note">{t("insp.irq.none")}</p>}
    </section>
  );
}
function Row({ i, path, fired, rate }: { readonly i: Interrupts; readonly path: Path; readonly fired: boolean; readonly rate: number }) {
  const t = useText();
  const { row } = useMachine();
  const { vector, by, from, pin, count } = path;
  const gate = i.gates.find((g) => g.vector === vector);
  const gsi = typeof from === "object" ? from.gsi : null;
  const line = gsi === null ? null : i.lines[gsi];
  const half = by === 0 && pin !== null ? i.pic[pin >> 3] : undefined;
  const io = by === 1 && pin !== null ? i.ioApic[pin] : undefined;
  return (
    <li className={`insp-path${fired ? " fired" : ""}${count === 0 ? " quiet" : ""}`} aria-label={t("insp.path.row", { vector: vectorText(vector) })} data-vector-path={vector} data-path-count={count}>
      <span>
        <button type="button" className="link" title={t("insp.path.toTable")} onClick={() => inspectorActions.show(row.id, "tables", `idt ${vector}`)} data-testid={`path-vector-${vector}`} translate="no">
          {vectorText(vector)}
        </button>
        <br />
        <b translate="no">{count.toLocaleString()}</b>
        {rate >= 0.5 && <span className="insp-rate" translate="no">{` ${rate.toFixed(0)}/s`}</span>}
      </span>
      <Station>
        {gsi !== null ? (
          <>
            <b translate="no">{LINES[gsi] ?? "–"}</b>
            <span translate="no">
              GSI {gsi} <Light on={line?.high ?? false} kind="irr" title={t(line?.high ? "insp.path.high" : "insp.path.low")} />
            </span>
          </>
        ) : (
          <b>{t(from === "timer" ? "insp.path.timer" : "insp.path.message")}</b>
        )}
      </Station>
      <Station>
        {half && pin !== null && (
          <>
            <b translate="no">8259 {pin < 8 ? "A" : "B"}.{pin & 7}</b>
            <Lights irr={((half.irr >> (pin & 7)) & 1) === 1} isr={((half.isr >> (pin & 7)) & 1) === 1} mask="IMR" masked={((half.imr >> (pin & 7)) & 1) === 1} />
          </>
        )}
        {io && (
          <>
            <b translate="no">I/O APIC {io.pin}</b>
            <span>
              {t(io.level ? "insp.path.byLevel" : "insp.path.byEdge")} <Light on={io.masked} kind="imr" title={t(io.masked ? "insp.irq.masked" : "insp.irq.open")} />
              {io.level && <Light on={io.waiting} kind="isr" title={t("insp.path.remote")} />}
            </span>
          </>
        )}
        {!half && !io && <span className="faint">{t("insp.path.none")}</span>}
      </Station>
      <Station>
        {i.local && by === 1 ? (
          <>
            <b translate="no">LAPIC {vectorText(vector)}</b>
            <Lights irr={bit(i.local.irr, vector)} isr={bit(i.local.isr, vector)} mask="PPR" masked={vector >> 4 <= i.local.ppr >> 4} />
          </>
        ) : (
          <span className="faint">{t("insp.path.past")}</span>
        )}
      </Station>
      <Station>
        {gate ? (
          <>
            <Address at={gate.at} text={`IDT[${vectorText(vector)}]`} />
            <span>{gate.present ? t("insp.path.present") : t("insp.desc.absent")}</span>
          </>
        ) : (
          <span className="faint">{t("insp.path.noGate")}</span>
        )}
      </Station>
      <Station last>
        {gate?.handler != null && (
          <>
            <Address at={gate.handler} text={gate.symbol ? symbolText(gate.symbol) : `0x${hex(gate.handler)}`} />
            {gate.symbol && <span translate="no">{hex(gate.handler)}</span>}
          </>
        )}
      </Station>
    </li>
  );
}
function Station({ children, last = false }: { readonly children: ReactNode; readonly last?: boolean }) {
  return <div className={`insp-station${last ? " last" : ""}`}>{children}</div>;
}
function Lights({ irr, isr, mask, masked }: { readonly irr: boolean; readonly isr: boolean; readonly mask: "IMR" | "PPR"; readonly masked: boolean }) {
  const t = useText();
  return (
    <span className="insp-lights" translate="no">
      IRR
      <Light on={irr} kind="irr" title={t("insp.irq.irr")} />
      ISR
      <Light on={isr} kind="isr" title={t("insp.irq.isr")} />
      {mask}
      <Light on={masked} kind="imr" title={t(mask === "IMR" ? "insp.irq.imr" : "insp.path.priority")} />
    </span>
  );
}

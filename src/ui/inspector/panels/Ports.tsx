// Port accesses as a log, in words, with a filter. Events are recorded only while the log runs.

import { useMemo, useRef, useState } from "react";
import type { TraceEvent, TraceName } from "../../../contract/trace.ts";
import { useText } from "../../use-text.ts";
import { Address, hex } from "../Address.tsx";
import { PortReader, portsNamed, type PortWords } from "../port-words.ts";
import { useEvents } from "../tracing.ts";

const KINDS: readonly TraceName[] = ["pio.read", "pio.write"];
const KEPT = 2000;
const SHOWN = 200;
const RATE = 4000;
interface Line {
  readonly n: number;
  readonly event: TraceEvent;
  readonly words: PortWords;
}
export default function Ports() {
  const t = useText();
  const [on, setOn] = useState(true);
  const [filter, setFilter] = useState("");
  const [lines, setLines] = useState<readonly Line[]>([]);
  const reader = useRef(new PortReader());
  const next = useRef(0);
  const range = portsNamed(filter);
  const lost = useEvents(KINDS, on, `${range ? `address=0x${range.from.toString(16)}-0x${range.to.toString(16)} ` : ""}rate=${RATE}`, (events) => {
    const more = events.map((event) => ({ n: next.current++, event, words: reader.current.words(event.a, event.kind === "pio.write", event.b, event.c) }));
    setLines((all) => [...all, ...more].slice(-KEPT));
  });
  const wanted = filter.trim().toLowerCase();
  const [from, to] = range ? [range.from, range.to] : [0, wanted === "" ? 0xffff : -1];
  const shown = useMemo(() => lines.filter(({ event }) => event.a >= from && event.a <= to).slice(-SHOWN).reverse(), [lines, from, to]);
  return (
    <div className="insp-panel" data-testid="panel-ports">
      <div className="insp-bar">
        <button type="button" aria-pressed={on} onClick={() => setOn(!on)} data-testid="ports-record">
          {t(on ? "insp.log.stop" : "insp.log.start")}
        </button>
        <input type="text" value={filter} onChange={(e) => setFilter(e.target.value)} placeholder={t("insp.port.filter")} aria-label={t("insp.port.filter")} spellCheck={false} data-testid="ports-filter" />
        <button type="button" onClick={() => setLines([])}>
          {t("insp.log.clear")}
        </button>
        {lost > 0 && <span className="hint">{t("insp.log.lost", { count: lost })}</span>}
      </div>
      <div className="insp-scroll">
        {lines.length === 0 && <p className="hint insp-empty">{t("insp.log.none")}</p>}
        <table className="insp-table insp-log">
          <tbody translate="no">
            {shown.map(({ n, event, words }) => (
              <tr key={n} className={event.kind === "pio.write" ? "write" : ""}>
                <td title={t("insp.log.time")}>{(event.atNs / 1e9).toFixed(6)}</td>
                <td>
                  {event.kind === "pio.write" ? "→" : "←"} {hex(event.a, 4)}
                </td>
                <td>{hex(event.b >>> 0, event.c * 2)}</td>
                <td>{words.chip}</td>
                <td className="words" translate="yes">
                  {words.key ? t(words.key, words.values) : ""}
                </td>
                <td>
                  <Address at={BigInt.asUintN(64, BigInt(event.ip))} digits={8} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

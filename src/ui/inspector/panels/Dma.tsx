// DMA as arrows: devices at the left, the machine's memory as a band at the right, and an arrow for each of the last transfers, which fades as newer ones
// come. Under it the transfers with address, length and direction. Events are recorded only while it runs.

import { useRef, useState } from "react";
import type { MachineMap } from "../../../contract/inspect.ts";
import type { TraceEvent, TraceName } from "../../../contract/trace.ts";
import { bytesText, useText } from "../../use-text.ts";
import { Address } from "../Address.tsx";
import { FaultLine } from "../Editable.tsx";
import { useLook } from "../look.ts";
import { useEvents } from "../tracing.ts";

const KINDS: readonly TraceName[] = ["dma.transfer"];
const FILTER = "rate=4000";
const KEPT = 200;
const ARROWS = 24;
const LISTED = 60;
const ROW = 34;
const WIDTH = 700;
const BAND = 520;
const DEVICE = 150;

interface Transfer {
  readonly n: number;
  readonly event: TraceEvent;
}
interface DeviceRow {
  readonly id: string;
  readonly type: string;
}
/** Places that DMA reaches: memory, in ranges that follow one another on the band. */
function bandOf(map: MachineMap | null): { readonly at: (physical: number) => number; readonly total: number; readonly marks: readonly { readonly at: number; readonly from: number }[] } {
  const ranges = (map?.memory ?? []).filter((r) => r.kind === "ram").map((r) => ({ from: r.from, to: r.to + 1 }));
  const joined: { from: number; to: number }[] = [];
  for (const r of ranges) {
    const before = joined[joined.length - 1];
    if (before && before.to === r.from) before.to = r.to;
    else joined.push({ ...r });
  }
  const total = joined.reduce((sum, r) => sum + r.to - r.from, 0);
  const at = (physical: number) => {
    let below = 0;
    for (const r of joined) {
      if (physical < r.from) break;
      below += Math.min(physical, r.to) - r.from;
    }
    return total ? below / total : 0;
  };
  return { at, total, marks: joined.map((r) => ({ at: at(r.from), from: r.from })) };
}
export default function Dma() {
  const t = useText();
  const [on, setOn] = useState(true);
  const [list, setList] = useState<readonly Transfer[]>([]);
  const next = useRef(0);
  const { value: map, fault } = useLook<MachineMap>("info map", {}, 5000);
  const { value: devices } = useLook<readonly DeviceRow[]>("info qtree", {}, 5000);
  const lost = useEvents(KINDS, on, FILTER, (events) => {
    const more = events.map((event) => ({ n: next.current++, event }));
    setList((all) => [...all, ...more].slice(-KEPT));
  });
  const nameOf = (event: TraceEvent) => devices?.[event.device]?.id ?? "?";
  const newest = list.slice(-ARROWS);
  const names = [...new Set(list.map(({ event }) => nameOf(event)))].sort();
  const band = bandOf(map);
  const height = Math.max(180, names.length * (ROW + 10) + 20);
  const yOf = (name: string) => 14 + ROW / 2 + names.indexOf(name) * (ROW + 10);
  const yAt = (physical: number) => 10 + band.at(physical) * (height - 20);
  return (
    <div className="insp-panel" data-testid="panel-dma">
      <div className="insp-bar">
        <button type="button" aria-pressed={on} onClick={() => setOn(!on)} data-testid="dma-record">
          {t(on ? "insp.log.stop" : "insp.log.start")}
        </button>
        <button type="button" onClick={() => setList([])}>
          {t("insp.log.clear")}
        </button>
        {lost > 0 && <span className="hint">{t("insp.log.lost", { count: lost })}</span>}
      </div>
      <FaultLine fault={fault} />
      <div className="insp-scroll">
        {list.length === 0 ? (
          <p className="hint insp-empty">{t("insp.dma.none")}</p>
        ) : (
          <svg className="insp-dma" viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={t("insp.dma.picture")}>
            <defs>
              {(["in", "out"] as const).map((way) => (
                <marker key={way} id={`dma-${way}`} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
                  <path d="M0 0 8 4 0 8Z" className={way} />
                </marker>
              ))}
            </defs>
            {names.map((name) => (
              <g key={name} data-dma-device={name}>
                <rect x={8} y={yOf(name) - ROW / 2} width={DEVICE - 8} height={ROW} rx={5} />
                <text x={16} y={yOf(name) + 4}>
                  {name}
                </text>
              </g>
            ))}
            <rect x={BAND} y={10} width={70} height={height - 20} rx={3} className="band" />
            <text x={BAND + 6} y={height / 2}>
              RAM
            </text>
            {band.marks.filter((m, k) => k === 0 || (m.at - (band.marks[k - 1] as typeof m).at) * height > 16).map((m) => (
              <text key={m.from} x={BAND + 76} y={10 + m.at * (height - 20) + 10}>
                {`0x${m.from.toString(16)}`}
              </text>
            ))}
            <text x={BAND + 76} y={height - 6}>
              {bytesText(band.total)}
            </text>
            {newest.map(({ n, event }, k) => {
              const toMemory = event.c === 1;
              const [x1, y1, x2, y2] = [DEVICE, yOf(nameOf(event)), BAND, yAt(event.a)];
              const path = toMemory ? `M${x1} ${y1} C${x1 + 160} ${y1} ${x2 - 160} ${y2} ${x2} ${y2}` : `M${x2} ${y2} C${x2 - 160} ${y2} ${x1 + 160} ${y1} ${x1} ${y1}`;
              const tall = band.total ? Math.max(2, (event.b / band.total) * (height - 20)) : 2;
              return (
                <g key={n} className={toMemory ? "in" : "out"} opacity={(k + 1) / newest.length}>
                  <path d={path} markerEnd={`url(#dma-${toMemory ? "in" : "out"})`} className="arrow" />
                  <rect x={BAND} y={y2 - tall / 2} width={70} height={tall} className="frame" />
                </g>
              );
            })}
          </svg>
        )}
        {list.length > 0 && (
          <table className="insp-table insp-log" data-testid="dma-list">
            <thead>
              <tr>
                <th>{t("insp.log.time")}</th>
                <th>{t("insp.dma.device")}</th>
                <th>{t("insp.dma.way")}</th>
                <th>{t("insp.dma.address")}</th>
                <th className="number">{t("insp.dma.length")}</th>
              </tr>
            </thead>
            <tbody>
              {list
                .slice(-LISTED)
                .reverse()
                .map(({ n, event }, k) => (
                  <tr key={n} style={{ opacity: Math.max(0.72, 1 - k / 60) }} data-dma={event.a} data-bytes={event.b} data-to={event.c}>
                    <td translate="no">{(event.atNs / 1e9).toFixed(6)}</td>
                    <td translate="no">{nameOf(event)}</td>
                    <td>{t(event.c === 1 ? "insp.dma.toMemory" : "insp.dma.fromMemory")}</td>
                    <td translate="no">
                      <Address at={BigInt(event.a)} physical digits={8} />
                    </td>
                    <td className="number" translate="no">
                      {bytesText(event.b)}
                    </td>
                  </tr>
                ))}
            </tbody>
          </table>
        )}
      </div>
    </div>
  );
}

// Speed and traffic with two minutes of history. Reads only the statistics in shared memory, which the worker writes anyway: it costs the guest nothing
// but the drawing. The history begins when the panel is opened.

import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Key } from "../../../i18n/index.ts";
import type { MachineClient } from "../../../store/index.ts";
import { bytesText, useText } from "../../use-text.ts";
import { useMachine } from "../look.ts";

const EVERY_MS = 500;
const KEPT = 240;

interface Sample {
  readonly atMs: number;
  readonly counts: readonly number[];
}
interface Chart {
  readonly key: Key;
  /** Counters, summed. */
  readonly of: readonly Parameters<MachineClient["stat"]>[0][];
  /** Rate per host second to what is drawn. */
  readonly scale: number;
  readonly text: (v: number) => string;
}
const compact = (v: number) => (v >= 1e6 ? `${(v / 1e6).toFixed(1)} M` : v >= 1e4 ? `${(v / 1e3).toFixed(0)} k` : v >= 10 ? v.toFixed(0) : v === 0 ? "0" : v.toFixed(1));
const charts: readonly Chart[] = [
  { key: "insp.dash.mips", of: ["instructions"], scale: 1e-6, text: (v) => `${v < 10 ? v.toFixed(2) : v.toFixed(0)} MIPS` },
  { key: "insp.dash.idle", of: ["busyMs"], scale: 0.1, text: (v) => `${v.toFixed(0)} %` },
  { key: "insp.dash.exits", of: ["pio", "mmio"], scale: 1, text: (v) => `${compact(v)}/s` },
  { key: "insp.dash.irqs", of: ["interrupts"], scale: 1, text: (v) => `${compact(v)}/s` },
  { key: "insp.dash.tlb", of: ["tlbFills"], scale: 1, text: (v) => `${compact(v)}/s` },
  { key: "insp.dash.io", of: ["diskBytes", "serialBytes"], scale: 1, text: (v) => `${bytesText(v)}/s` },
];
const IDLE = 1;
const sampleOf = (client: MachineClient): Sample => ({ atMs: client.stat("hostMs"), counts: charts.map((c) => c.of.reduce((sum, name) => sum + client.stat(name), 0)) });

export default function Dashboard() {
  const { row, client } = useMachine();
  const [history, setHistory] = useState<{ readonly times: readonly number[]; readonly rates: readonly (readonly number[])[] }>({ times: [], rates: charts.map(() => []) });
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new session means new shared memory behind the same client
  useEffect(() => {
    let last = sampleOf(client);
    const timer = setInterval(() => {
      if (document.visibilityState !== "visible") return;
      const now = sampleOf(client);
      const ms = now.atMs - last.atMs;
      // The worker writes a few times a second; a paused or busy one may not have.
      if (ms <= 0) return;
      const rates = charts.map((c, n) => Math.max(0, (((now.counts[n] as number) - (last.counts[n] as number)) / ms) * 1000 * c.scale));
      rates[IDLE] = Math.max(0, 100 - Math.min(100, rates[IDLE] as number));
      last = now;
      setHistory((h) => ({ times: [...h.times, now.atMs / 1000].slice(-KEPT), rates: h.rates.map((r, n) => [...r, rates[n] as number].slice(-KEPT)) }));
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [client, row.session]);
  return (
    <div className="insp-scroll" data-testid="panel-dashboard">
      <div className="insp-charts">
        {charts.map((chart, n) => (
          <ChartBox key={chart.key} chart={chart} times={history.times} rates={history.rates[n] as readonly number[]} />
        ))}
      </div>
    </div>
  );
}
function ChartBox({ chart, times, rates }: { readonly chart: Chart; readonly times: readonly number[]; readonly rates: readonly number[] }) {
  const t = useText();
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const { text } = chart;
  useEffect(() => {
    const box = place.current;
    if (!box) return;
    const colour = (name: string) => getComputedStyle(box).getPropertyValue(name);
    const size = () => ({ width: Math.max(80, box.clientWidth), height: 84 });
    const axis: uPlot.Axis = { stroke: () => colour("--muted"), font: "11px system-ui, sans-serif", grid: { stroke: () => colour("--line"), width: 1 }, ticks: { show: false } };
    const made = new uPlot(
      {
        ...size(),
        padding: [6, 6, 7, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false, range: (_, from, to) => [Math.min(from, to - 30), to] }, y: { range: (_, __, to) => [0, chart.key === "insp.dash.idle" ? 100 : Math.max(to * 1.1, 1)] } },
        axes: [{ ...axis, show: false }, { ...axis, size: 46, gap: 2, space: 22, values: (_, all) => all.map((v) => compact(v)) }],
        series: [{}, { stroke: () => colour("--accent"), fill: () => colour("--accent-soft"), width: 1.5, points: { show: false } }],
      },
      [[], []],
      box,
    );
    plot.current = made;
    const sized = new ResizeObserver(() => made.setSize(size()));
    sized.observe(box);
    return () => {
      sized.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [chart]);
  useEffect(() => plot.current?.setData([times as number[], rates as number[]]), [times, rates]);
  const now = rates[rates.length - 1];
  return (
    <figure data-testid={chart.key} data-value={now ?? ""}>
      <figcaption>
        <span>{t(chart.key)}</span>
        <b translate="no">{now === undefined ? "–" : text(now)}</b>
      </figcaption>
      <div ref={place} aria-hidden="true" translate="no" />
    </figure>
  );
}

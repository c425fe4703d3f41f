// A timeline of modes, rings, address spaces and interrupts: one lane each, drawn on a canvas from the events of the trace bus, with the newest seconds at
// the right. Under it what the lanes hold now. Events are recorded only while it runs.

import { useEffect, useRef, useState } from "react";
import { modeNames, type TraceEvent, type TraceName } from "../../../contract/trace.ts";
import { useText } from "../../use-text.ts";
import { Address, hex } from "../Address.tsx";
import { useEvents } from "../tracing.ts";

const KINDS: readonly TraceName[] = ["cpu.mode", "cpu.ring", "cpu.cr3", "cpu.handler", "cpu.halt", "cpu.wake"];
const FILTER = "rate=8000";
const KEPT = 20_000;
const WINDOWS = [0.01, 0.1, 1, 10] as const;
const LANES = ["insp.time.mode", "insp.time.ring", "insp.time.space", "insp.time.halt", "insp.time.interrupt"] as const;
const LANE_HEIGHT = 26;

/** Colours that are told apart in both palettes, by the number of an address space. */
const hue = (cr3: number) => `hsl(${(Math.floor(cr3 / 4096) * 137) % 360} 60% 55%)`;

export default function Timeline() {
  const t = useText();
  const [on, setOn] = useState(true);
  const [seconds, setSeconds] = useState<number>(1);
  const events = useRef<TraceEvent[]>([]);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [spaces, setSpaces] = useState<readonly { readonly cr3: number; readonly share: number }[]>([]);
  const [version, setVersion] = useState(0);
  const lost = useEvents(KINDS, on, FILTER, (more) => {
    events.current.push(...more);
    if (events.current.length > KEPT) events.current.splice(0, events.current.length - KEPT);
    setVersion((v) => v + 1);
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: drawn anew when events came
  useEffect(() => {
    const c = canvas.current;
    const g = c?.getContext("2d");
    if (!c || !g) return;
    const ratio = devicePixelRatio;
    const width = c.clientWidth;
    c.width = width * ratio;
    c.height = LANES.length * LANE_HEIGHT * ratio;
    g.scale(ratio, ratio);
    const style = getComputedStyle(c);
    const colour = (name: string) => style.getPropertyValue(name);
    const all = events.current;
    const end = all[all.length - 1]?.atNs ?? 0;
    const from = end - seconds * 1e9;
    const x = (ns: number) => ((ns - from) / (seconds * 1e9)) * width;
    const lane = (n: number, kind: TraceName, paint: (e: TraceEvent) => string) => {
      const list = all.filter((e) => e.kind === kind);
      list.forEach((e, i) => {
        const to = list[i + 1]?.atNs ?? end;
        if (to < from) return;
        g.fillStyle = paint(e);
        g.fillRect(Math.max(0, x(e.atNs)), n * LANE_HEIGHT + 3, Math.max(1, x(to) - Math.max(0, x(e.atNs))), LANE_HEIGHT - 6);
      });
    };
    lane(0, "cpu.mode", (e) => ["#8a6d3b", "#b5883b", "#4a7fb5", "#3b6fa5", "#6b5bab", "#2f8f6b"][e.a] ?? "#888");
    lane(1, "cpu.ring", (e) => (e.a === 0 ? "#c25b4e" : e.a === 3 ? "#3f9a5f" : "#c9a13b"));
    lane(2, "cpu.cr3", (e) => hue(e.a));
    let halted: number | null = null;
    g.fillStyle = colour("--line-strong");
    for (const e of all) {
      if (e.kind === "cpu.halt") halted = e.atNs;
      else if (e.kind === "cpu.wake" && halted !== null) {
        if (e.atNs > from) g.fillRect(Math.max(0, x(halted)), 3 * LANE_HEIGHT + 3, Math.max(1, x(e.atNs) - Math.max(0, x(halted))), LANE_HEIGHT - 6);
        halted = null;
      }
    }
    g.fillStyle = colour("--accent");
    for (const e of all) if (e.kind === "cpu.handler" && e.atNs > from) g.fillRect(x(e.atNs), 4 * LANE_HEIGHT + 3, 1.5, LANE_HEIGHT - 6);
    // Who had the processor in the window.
    const time = new Map<number, number>();
    const switches = all.filter((e) => e.kind === "cpu.cr3");
    switches.forEach((e, i) => {
      const to = switches[i + 1]?.atNs ?? end;
      if (to > from) time.set(e.a, (time.get(e.a) ?? 0) + to - Math.max(from, e.atNs));
    });
    const sum = [...time.values()].reduce((a, b) => a + b, 0);
    setSpaces([...time].sort((a, b) => b[1] - a[1]).slice(0, 8).map(([cr3, ns]) => ({ cr3, share: sum ? ns / sum : 0 })));
  }, [version, seconds]);
  const last = (kind: TraceName) => events.current.findLast((e) => e.kind === kind);
  const mode = last("cpu.mode");
  const ring = last("cpu.ring");
  return (
    <div className="insp-panel" data-testid="panel-timeline">
      <div className="insp-bar">
        <button type="button" aria-pressed={on} onClick={() => setOn(!on)}>
          {t(on ? "insp.log.stop" : "insp.log.start")}
        </button>
        <select value={seconds} onChange={(e) => setSeconds(Number(e.target.value))} aria-label={t("insp.time.window")}>
          {WINDOWS.map((s) => (
            <option key={s} value={s}>
              {t("insp.time.ms", { ms: s * 1000 })}
            </option>
          ))}
        </select>
        {lost > 0 && <span className="hint">{t("insp.log.lost", { count: lost })}</span>}
      </div>
      <div className="insp-scroll">
        {events.current.length === 0 && <p className="hint insp-empty">{t("insp.time.none")}</p>}
        <div className="insp-lanes">
          <ul>
            {LANES.map((key) => (
              <li key={key}>{t(key)}</li>
            ))}
          </ul>
          <canvas ref={canvas} style={{ height: LANES.length * LANE_HEIGHT }} role="img" aria-label={t("insp.panel.timeline")} />
        </div>
        <p className="insp-note insp-mono" translate="no" data-testid="timeline-now">
          {mode && `${modeNames[mode.a]} · `}
          {ring && `ring ${ring.a}`}
        </p>
        <ul className="insp-note insp-mono" translate="no" data-testid="timeline-spaces">
          {spaces.map((s) => (
            <li key={s.cr3}>
              <span className="swatch" style={{ background: hue(s.cr3) }} /> CR3 <Address at={BigInt(s.cr3)} physical text={hex(s.cr3, 8)} /> {(s.share * 100).toFixed(1)} %
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

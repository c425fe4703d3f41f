// A timeline of modes, rings, address spaces and interrupts: one lane each, drawn on a canvas from the events of the trace bus, with the newest seconds at
// the right. Under it what the lanes hold now. Events are recorded only while it runs.

import { useEffect, useMemo, useRef, useState } from "react";
import type { LinuxTask } from "../../../contract/inspect.ts";
import { modeNames, type TraceEvent, type TraceName } from "../../../contract/trace.ts";
import { useText } from "../../use-text.ts";
import { Address, hex } from "../Address.tsx";
import { FaultLine } from "../Editable.tsx";
import { useLook } from "../look.ts";
import { useEvents } from "../tracing.ts";
import type { RegisterSet } from "./Registers.tsx";

const KINDS: readonly TraceName[] = ["cpu.mode", "cpu.ring", "cpu.cr3", "cpu.handler", "cpu.halt", "cpu.wake"];
const FILTER = "rate=8000";
const KEPT = 20_000;
const WINDOWS = [0.01, 0.1, 1, 10] as const;
const LANES = ["insp.time.mode", "insp.time.ring", "insp.time.space", "insp.time.halt", "insp.time.interrupt"] as const;
const LANE_HEIGHT = 26;

/** Colours that are told apart in both palettes, by the number of an address space. */
const FRAME = 0xfffn;
/** Names of a running Linux's address spaces, by the value of CR3 without PCID; with page-table isolation ring 3 has the page above. */
function spaceNames(tasks: readonly LinuxTask[] | null): (cr3: number) => string {
  const names = new Map<bigint, string>();
  for (const { cr3, comm, pid } of tasks ?? []) if (cr3 !== null && !names.has(cr3)) names.set(cr3, `${comm} (${pid})`);
  return (value) => {
    const cr3 = BigInt(value);
    const page = cr3 & ~FRAME;
    return names.get(cr3) ?? names.get(page) ?? names.get(cr3 & ~31n) ?? names.get(page & ~0x1000n) ?? "";
  };
}
/** As the trace bus numbers them (cpu.mode). */
function modeOf({ registers, bits }: RegisterSet): number {
  if (!(registers.cr0 & 1n)) return 0;
  if (registers.eflags & (1n << 17n)) return 1;
  if (registers.efer & 0x400n) return bits === 64 ? 5 : 4;
  return bits === 16 ? 2 : 3;
}
const hue = (cr3: number) => `hsl(${(Math.floor(cr3 / 4096) * 137) % 360} 60% 55%)`;

export default function Timeline() {
  const t = useText();
  const [on, setOn] = useState(true);
  const [seconds, setSeconds] = useState<number>(1);
  const events = useRef<TraceEvent[]>([]);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [spaces, setSpaces] = useState<readonly { readonly cr3: number; readonly share: number }[]>([]);
  const [version, setVersion] = useState(0);
  const [naming, setNaming] = useState(false);
  const [tasks, setTasks] = useState<readonly LinuxTask[] | null>(null);
  const nameOf = useMemo(() => spaceNames(tasks), [tasks]);
  // What does not change makes no event: it is what the processor says it is in.
  const { value: now } = useLook<RegisterSet>("info registers", {}, 1000);
  const standing = useMemo(() => (now ? { mode: modeOf(now), ring: now.registers.cpl, cr3: Number(now.registers.cr3) } : null), [now]);
  const standingKey = JSON.stringify(standing);
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
    const lane = (n: number, kind: TraceName, still: number | undefined, paint: (value: number) => string) => {
      const list = all.filter((e) => e.kind === kind);
      // Before the first change: what that one says was before it, or what stands when there is none; of a mode before its change nobody knows.
      const before = list[0] ? (kind === "cpu.mode" ? undefined : list[0].b) : still;
      const begin = all[0] ? Math.max(0, x(all[0].atNs)) : 0;
      const until = list[0] ? x(list[0].atNs) : width;
      if (before !== undefined && until > begin) {
        g.fillStyle = paint(before);
        g.fillRect(begin, n * LANE_HEIGHT + 3, until - begin, LANE_HEIGHT - 6);
      }
      list.forEach((e, i) => {
        const to = list[i + 1]?.atNs ?? end;
        if (to < from) return;
        g.fillStyle = paint(e.a);
        g.fillRect(Math.max(0, x(e.atNs)), n * LANE_HEIGHT + 3, Math.max(1, x(to) - Math.max(0, x(e.atNs))), LANE_HEIGHT - 6);
      });
    };
    lane(0, "cpu.mode", standing?.mode, (mode) => ["#8a6d3b", "#b5883b", "#4a7fb5", "#3b6fa5", "#6b5bab", "#2f8f6b"][mode] ?? "#888");
    lane(1, "cpu.ring", standing?.ring, (ring) => (ring === 0 ? "#c25b4e" : ring === 3 ? "#3f9a5f" : "#c9a13b"));
    lane(2, "cpu.cr3", standing?.cr3, hue);
    // Names where there is room for them.
    g.font = "11px system-ui, sans-serif";
    g.textBaseline = "middle";
    const turns = all.filter((e) => e.kind === "cpu.cr3");
    turns.forEach((e, i) => {
      const left = Math.max(0, x(e.atNs));
      const room = x(turns[i + 1]?.atNs ?? end) - left - 6;
      const text = room < 24 ? "" : nameOf(e.a).replace(/ \(.*/, "");
      if (text === "" || g.measureText(text).width > room) return;
      g.fillStyle = "#0b0f14";
      g.fillText(text, left + 3, 2 * LANE_HEIGHT + LANE_HEIGHT / 2);
    });
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
    if (switches.length === 0 && standing) time.set(standing.cr3, 1);
    const sum = [...time.values()].reduce((a, b) => a + b, 0);
    setSpaces([...time].sort((a, b) => b[1] - a[1]).slice(0, 8).map(([cr3, ns]) => ({ cr3, share: sum ? ns / sum : 0 })));
  }, [version, seconds, nameOf, standingKey]);
  const last = (kind: TraceName) => events.current.findLast((e) => e.kind === kind);
  const mode = last("cpu.mode")?.a ?? standing?.mode;
  const ring = last("cpu.ring")?.a ?? standing?.ring;
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
        <button type="button" aria-pressed={naming} title={t("insp.time.namesHint")} onClick={() => setNaming(!naming)} data-testid="timeline-names">
          {t("insp.time.names")}
        </button>
        {lost > 0 && <span className="hint">{t("insp.log.lost", { count: lost })}</span>}
      </div>
      {naming && <TaskNames onTasks={setTasks} />}
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
        <p className="insp-note insp-mono" translate="no" data-testid="timeline-now" data-modes={events.current.filter((e) => e.kind === "cpu.mode").length}>
          {mode !== undefined && `${modeNames[mode]} · `}
          {ring !== undefined && `ring ${ring}`}
        </p>
        <ul className="insp-note insp-mono" translate="no" data-testid="timeline-spaces">
          {spaces.map((s) => (
            <li key={s.cr3}>
              <span className="swatch" style={{ background: hue(s.cr3) }} /> CR3 <Address at={BigInt(s.cr3)} physical text={hex(s.cr3, 8)} /> {nameOf(s.cr3)} {(s.share * 100).toFixed(1)} %
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
/** Asks the running Linux for its processes while names are wanted; each is remembered after it ended, for what is drawn of it. */
function TaskNames({ onTasks }: { onTasks(change: (before: readonly LinuxTask[] | null) => readonly LinuxTask[]): void }) {
  const { value, fault } = useLook<readonly LinuxTask[]>("info tasks", {}, 2000);
  useEffect(() => {
    if (!value) return;
    onTasks((before) => [...value, ...(before ?? []).filter((old) => !value.some((t) => t.cr3 === old.cr3))].slice(0, 500));
  }, [value, onTasks]);
  return <FaultLine fault={fault} />;
}

// The line at the bottom of a machine: speed, guest time, exits, memory. Read from the shared statistics once a second; shown anew when what it
// says differs (each change costs a browser a whole frame).

import { useEffect, useRef, useState } from "react";
import type { MachineClient, MachineRow } from "../store/index.ts";
import { bytesText, useText } from "./use-text.ts";

interface Sample {
  readonly instructions: number;
  readonly guestNs: number;
  readonly busyMs: number;
  readonly exits: number;
  readonly memory: number;
  readonly deferred: number;
  readonly at: number;
}
const EVERY_MS = 1000;

function sample(client: MachineClient): Sample {
  return {
    instructions: client.stat("instructions"), guestNs: client.stat("guestNs"), busyMs: client.stat("busyMs"),
    exits: client.stat("pio") + client.stat("mmio"), memory: client.stat("memoryBytes"), deferred: client.stat("deferredBytes"), at: performance.now(),
  };
}
function time(ns: number): string {
  const s = Math.floor(ns / 1e9);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${two(Math.floor(s / 3600))}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}
const compact = (n: number) => (n >= 1e6 ? `${(n / 1e6).toFixed(1)} M` : n >= 1e4 ? `${(n / 1e3).toFixed(0)} k` : Math.round(n).toString());

/** What the line says of two samples. Rates are rounded so that an idle machine's line stands still but for its clock. */
interface Shown {
  readonly speed: string;
  readonly load: string;
  readonly time: string;
  readonly exits: string;
  readonly memory: string;
  /** RAM that is not here yet: it lies packed, with whoever else has it. */
  readonly shared: string;
}
function shownOf(a: Sample, b: Sample): Shown {
  const seconds = (b.at - a.at) / 1000;
  const mips = (b.instructions - a.instructions) / seconds / 1e6;
  const exits = (b.exits - a.exits) / seconds;
  return {
    speed: `${mips < 10 ? mips.toFixed(1) : Math.round(mips)} MIPS`,
    load: `${Math.min(100, Math.round(((b.busyMs - a.busyMs) / 1000 / seconds) * 100))} %`,
    time: time(b.guestNs),
    exits: `${compact(exits < 100 ? Math.round(exits / 10) * 10 : exits)}/s`,
    memory: b.memory ? bytesText(b.memory) : "",
    shared: b.deferred ? bytesText(b.deferred) : "",
  };
}

export function StatusLine({ row, client }: { readonly row: MachineRow; readonly client: MachineClient | null }) {
  const t = useText();
  const line = useRef<HTMLDListElement>(null);
  const [shown, setShown] = useState<Shown | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new session means new shared memory behind the same client
  useEffect(() => {
    setShown(null);
    if (!client) return;
    let last = sample(client);
    const timer = setInterval(() => {
      const next = sample(client);
      line.current?.setAttribute("data-instructions", String(next.instructions));
      const now = shownOf(last, next);
      setShown((before) => (before && Object.entries(now).every(([name, text]) => before[name as keyof Shown] === text) ? before : now));
      last = next;
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [client, row.session]);
  const fields = [["speed", shown?.speed], ["load", shown?.load], ["time", shown?.time], ["exits", shown?.exits], ["memory", shown?.memory || `${row.config.memoryMiB} MiB`]] as const;
  return (
    <dl className="status" data-testid="status" data-instructions={0} data-state={row.state} ref={line}>
      {shown?.shared && (
        <div title={t("status.sharedHint")} data-testid="shared">
          <dt>{row.cloneOf === null ? t("status.packed") : t("status.shared", { name: row.cloneOf })}</dt>
          <dd translate="no">{shown.shared}</dd>
        </div>
      )}
      {fields.map(([name, text]) => (
        <div key={name}>
          <dt>{t(`status.${name}`)}</dt>
          <dd translate="no">{text ?? "–"}</dd>
        </div>
      ))}
    </dl>
  );
}

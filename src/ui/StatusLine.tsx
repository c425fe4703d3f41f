// The line at the bottom of a machine: speed, guest time, exits, memory. Read from the shared statistics twice a second.

import { useEffect, useState } from "react";
import type { MachineClient, MachineRow } from "../store/index.ts";
import { bytesText, useText } from "./use-text.ts";

interface Sample {
  readonly instructions: number;
  readonly guestNs: number;
  readonly busyMs: number;
  readonly exits: number;
  readonly memory: number;
  readonly at: number;
}
const EVERY_MS = 500;

function sample(client: MachineClient): Sample {
  return {
    instructions: client.stat("instructions"), guestNs: client.stat("guestNs"), busyMs: client.stat("busyMs"),
    exits: client.stat("pio") + client.stat("mmio"), memory: client.stat("memoryBytes"), at: performance.now(),
  };
}
function time(ns: number): string {
  const s = Math.floor(ns / 1e9);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${two(Math.floor(s / 3600))}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}
const compact = (n: number) => (n >= 1e6 ? `${(n / 1e6).toFixed(1)} M` : n >= 1e4 ? `${(n / 1e3).toFixed(0)} k` : Math.round(n).toString());

export function StatusLine({ row, client }: { readonly row: MachineRow; readonly client: MachineClient | null }) {
  const t = useText();
  const [pair, setPair] = useState<readonly [Sample, Sample] | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new session means new shared memory behind the same client
  useEffect(() => {
    setPair(null);
    if (!client) return;
    let last = sample(client);
    const timer = setInterval(() => {
      const next = sample(client);
      setPair([last, next]);
      last = next;
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [client, row.session]);
  const [a, b] = pair ?? [null, null];
  const seconds = a && b ? (b.at - a.at) / 1000 : 1;
  const ran = a && b ? b.instructions - a.instructions : 0;
  const busy = a && b ? b.busyMs - a.busyMs : 0;
  const load = Math.min(100, Math.round((busy / 1000 / seconds) * 100));
  return (
    <dl className="status" data-testid="status" data-instructions={b?.instructions ?? 0} data-state={row.state}>
      <div>
        <dt>{t("status.speed")}</dt>
        <dd translate="no">{b ? `${(ran / seconds / 1e6).toFixed(1)} MIPS` : "–"}</dd>
      </div>
      <div>
        <dt>{t("status.load")}</dt>
        <dd translate="no">{b ? `${load} %` : "–"}</dd>
      </div>
      <div>
        <dt>{t("status.time")}</dt>
        <dd translate="no">{b ? time(b.guestNs) : "–"}</dd>
      </div>
      <div>
        <dt>{t("status.exits")}</dt>
        <dd translate="no">{a && b ? `${compact((b.exits - a.exits) / seconds)}/s` : "–"}</dd>
      </div>
      <div>
        <dt>{t("status.memory")}</dt>
        <dd translate="no">{b?.memory ? bytesText(b.memory) : `${row.config.memoryMiB} MiB`}</dd>
      </div>
    </dl>
  );
}

// The debugger's buttons, where the machine stands and why, and its past: step in, over, out, to the next interrupt; step back and run back on machines
// whose time is instructions and that record.

import { useCallback, useEffect, useState } from "react";
import type { DebugStop } from "../../contract/debug.ts";
import type { Fault } from "../../contract/schema.ts";
import { fatalOf, type Shutdown } from "../../contract/shutdown.ts";
import type { Key } from "../../i18n/index.ts";
import type { MachineRow } from "../../store/index.ts";
import { exceptionName, fatalDetails, raisedText } from "../exception-words.ts";
import { Icon, type IconName } from "../icons.tsx";
import { useText } from "../use-text.ts";
import { Address, hex } from "./Address.tsx";
import { FaultLine } from "./Editable.tsx";
import { useAct, useLook, useMachine } from "./look.ts";

interface Where {
  readonly state: string;
  readonly stop: DebugStop | null;
  readonly linear: bigint;
  readonly text: string;
}
interface RecordInfo {
  readonly from: number;
  readonly to: number;
  readonly now: number;
  readonly checkpoints: number;
  readonly bytes: number;
  readonly inputs: number;
}
const steps: readonly { readonly command: string; readonly args?: { readonly [name: string]: unknown }; readonly icon: IconName; readonly label: Key; readonly key: string; readonly keys: string }[] = [
  { command: "stepi", icon: "stepIn", label: "insp.step.in", key: "F11", keys: "F11" },
  { command: "nexti", icon: "stepOver", label: "insp.step.over", key: "F10", keys: "F10" },
  { command: "finish", icon: "stepOut", label: "insp.step.out", key: "Shift+F11", keys: "Shift+F11" },
  { command: "until", args: { where: "interrupt" }, icon: "toInterrupt", label: "insp.step.interrupt", key: "Shift+F10", keys: "Shift+F10" },
];
const reasons: { readonly [R in DebugStop["reason"]]: Key } = { breakpoint: "insp.stop.breakpoint", step: "insp.stop.step", back: "insp.stop.back", start: "insp.stop.start", end: "insp.stop.end", error: "insp.stop.error" };

export function Controls() {
  const t = useText();
  const act = useAct();
  const { row } = useMachine();
  const [fault, setFault] = useState<Fault | null>(null);
  const running = row.state === "running";
  const paused = row.state === "paused";
  const exact = row.config.clock.mode === "instructions";
  const run = useCallback(async (command: string, args = {}) => setFault((await act(command, args)).fault), [act]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const name = `${event.shiftKey ? "Shift+" : ""}${event.key}`;
      const inside = (event.target as HTMLElement | null)?.closest?.(".inspector");
      if (!inside || event.ctrlKey || event.altKey || event.metaKey) return;
      const step = steps.find((s) => s.keys === name);
      if (!step && name !== "F8") return;
      event.preventDefault();
      event.stopPropagation();
      if (name === "F8") void run(running ? "stop" : "cont");
      else if (step && paused) void run(step.command, step.args);
    };
    window.addEventListener("keydown", onKey, true);
    return () => window.removeEventListener("keydown", onKey, true);
  }, [run, running, paused]);
  return (
    <div className="insp-controls-bar">
      <div className="insp-tools" role="toolbar" aria-label={t("insp.controls")}>
        <Tool icon={running ? "pause" : "play"} label={t(running ? "insp.pause" : "insp.run")} keys="F8" disabled={!running && !paused} onClick={() => void run(running ? "stop" : "cont")} testId="insp-run" primary />
        {steps.map((s) => (
          <Tool key={s.command} icon={s.icon} label={t(s.label)} keys={s.keys} disabled={!paused} onClick={() => void run(s.command, s.args)} testId={`insp-${s.command}`} />
        ))}
        {exact ? (
          <Past run={run} />
        ) : (
          <>
            <span className="divider" />
            <button type="button" disabled title={t("insp.recordWall")} data-testid="insp-record">
              {t("insp.record")}
            </button>
          </>
        )}
      </div>
      <FaultLine fault={fault} />
    </div>
  );
}
/** Where a paused machine stands, and why; what a triple fault was about. */
export function Standing() {
  const t = useText();
  const { row } = useMachine();
  if (row.state === "paused") return <Stop />;
  return (
    <>
      {!isDown(row) && <p className="hint insp-where">{t(row.state === "running" ? "insp.running" : "insp.off")}</p>}
      <TripleFault />
    </>
  );
}
/** A triple fault ended it: it stands as it was. */
const isDown = (row: MachineRow) => row.state === "off" && row.reason === "shutdown";
function TripleFault() {
  const t = useText();
  const { row } = useMachine();
  const { value: shutdown } = useLook<Shutdown | null>("info shutdown", {}, 1000);
  if (!shutdown) return null;
  const fatal = fatalOf(shutdown);
  const after = shutdown.raised.slice(1);
  const down = isDown(row);
  return (
    <p className="insp-where insp-shutdown" role="status" data-testid="insp-shutdown">
      <span>
        {t(down ? "insp.shutdown.title" : "insp.shutdown.reset", { count: shutdown.count })} {fatal ? raisedText(fatal, undefined, t) : t("insp.shutdown.interrupt")} {fatal && fatalDetails(fatal, t).join(" ")}
        {after.length > 0 && ` ${t("insp.shutdown.then", { chain: after.map((e) => exceptionName(e.vector, t)).join(" → ") })}`} {t(down ? "insp.shutdown.stays" : "insp.shutdown.then.reset")}
      </span>
      <span translate="no">
        <Address at={shutdown.address} text={`0x${hex(shutdown.address)}`} />
      </span>
    </p>
  );
}
function Stop() {
  const t = useText();
  const { value } = useLook<Where>("info stop");
  if (!value) return null;
  const { stop } = value;
  return (
    <p className="insp-where" role="status" data-testid="insp-where">
      <span>{stop ? t(reasons[stop.reason], { number: stop.breakpoints.join(", ") }) : t("insp.stop.paused")}</span>
      <span translate="no" title={stop?.detail}>
        <Address at={value.linear} text={`0x${hex(value.linear)}`} /> {value.text}
      </span>
    </p>
  );
}
function Past({ run }: { readonly run: (command: string, args?: { readonly [name: string]: unknown }) => Promise<void> }) {
  const t = useText();
  const { row } = useMachine();
  const { value } = useLook<RecordInfo | null>("info record", {}, 1000);
  const paused = row.state === "paused" || isDown(row);
  return (
    <>
      <span className="divider" />
      <button type="button" aria-pressed={value !== null} title={t("insp.recordHint")} onClick={() => void run("record", { what: value ? "off" : "on" })} data-testid="insp-record">
        {t("insp.record")}
      </button>
      <Tool icon="runBack" label={t("insp.runBack")} disabled={!paused || !value} onClick={() => void run("reverse-continue")} testId="insp-run-back" />
      <Tool icon="stepBack" label={t("insp.stepBack")} disabled={!paused || !value} onClick={() => void run("reverse-stepi")} testId="insp-step-back" />
      {value && (
        <span className="hint" translate="no">
          {value.from.toLocaleString()} … {value.to.toLocaleString()}
        </span>
      )}
    </>
  );
}
function Tool({ icon, label, keys, disabled, primary = false, onClick, testId }: { readonly icon: IconName; readonly label: string; readonly keys?: string; readonly disabled: boolean; readonly primary?: boolean; onClick(): void; readonly testId: string }) {
  const title = keys ? `${label} (${keys})` : label;
  return (
    <button type="button" className={`icon-only${primary ? " primary" : ""}`} aria-label={label} title={title} aria-keyshortcuts={keys} disabled={disabled} onClick={onClick} data-testid={testId}>
      <Icon name={icon} />
    </button>
  );
}

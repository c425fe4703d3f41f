// One machine: its name and state, the toolbar, the tabs (screen, serial, monitor, settings) and the status line.

import { useEffect, useRef, useState } from "react";
import type { Key } from "../i18n/index.ts";
import { actions, controller, inspectorActions, type MachineRow, type Tab, useApp, useInspector } from "../store/index.ts";
import { Badge } from "./Badge.tsx";
import { Icon, type IconName } from "./icons.tsx";
import { later } from "./later.tsx";
import { MachineForm } from "./MachineForm.tsx";
import { Monitor } from "./Monitor.tsx";
import { fullScreen, Screen, screenshot } from "./Screen.tsx";
import { Serial } from "./Serial.tsx";
import { CloneDialog, ShareDialog } from "./Dialogs.tsx";
import { Snapshots } from "./Snapshots.tsx";
import { Splitter } from "./Splitter.tsx";
import { StatusLine } from "./StatusLine.tsx";
import { forgetTerminals, watchSerial } from "./terminals.ts";
import { bytesText, useText } from "./use-text.ts";

/** The inspector and its libraries are fetched when somebody opens it. */
const Inspector = later(() => import("./inspector/Inspector.tsx"));

const tabs: readonly { readonly id: Tab; readonly label: Key; readonly icon: IconName }[] = [
  { id: "screen", label: "tab.screen", icon: "screen" },
  { id: "serial", label: "tab.serial", icon: "serial" },
  { id: "monitor", label: "tab.monitor", icon: "monitor" },
  { id: "snapshots", label: "tab.snapshots", icon: "disk" },
  { id: "settings", label: "tab.settings", icon: "settings" },
];
const SHOW_PROGRESS_AFTER_MS = 1000;

export default function MachineView({ row }: { readonly row: MachineRow }) {
  const t = useText();
  const tab = useApp((s) => s.tabs[row.id]) ?? (row.config.vga === "none" ? "serial" : "screen");
  const sound = useApp((s) => s.sound);
  const { open: inspecting, share } = useInspector();
  const [sharing, setSharing] = useState(false);
  const [cloning, setCloning] = useState(false);
  const client = controller.client(row.id);
  const open = client !== null && row.state !== "opening";
  const running = row.state === "running";
  const paused = row.state === "paused";
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new session means new shared memory behind the same client
  useEffect(() => {
    if (client) watchSerial(row.id, client);
  }, [client, row.id, row.session]);
  const run = (name: string, args = {}) => void controller.execute(row.id, name, args);
  const tabKeys = (event: React.KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!step) return;
    const next = tabs[(tabs.findIndex((x) => x.id === tab) + step + tabs.length) % tabs.length];
    if (!next) return;
    actions.tab(row.id, next.id);
    document.getElementById(`tab-${next.id}`)?.focus();
  };
  return (
    <section className="machine" aria-label={row.config.name} data-inspecting={inspecting || undefined} data-testid="machine">
      <header className="machine-head">
        <h2 translate="no">{row.config.name}</h2>
        <Badge row={row} />
        {row.exitStatus !== null && <span className="hint">{t("machine.exit", { status: row.exitStatus })}</span>}
        <span className="spacer" />
        <button type="button" aria-pressed={inspecting} onClick={() => inspectorActions.open(!inspecting)} data-testid="tool-inspect">
          <Icon name="inspect" />
          {t("toolbar.inspect")}
        </button>
        {!row.passing && (<button
          type="button"
          className="quiet danger"
          title={t("machine.remove")}
          onClick={() => {
            if (!confirm(t("machine.removeAsk", { name: row.config.name }))) return;
            forgetTerminals(row.id);
            actions.select({ kind: "home" });
            void controller.remove(row.id);
          }}
        >
          <Icon name="trash" />
          <span className="remove-label">{t("machine.remove")}</span>
        </button>)}
      </header>
      <div className="toolbar" role="toolbar" aria-label={t("toolbar.label")}>
        {row.state === "opening" ? (
          <Tool icon="close" label={t("toolbar.cancel")} onClick={() => controller.cancel(row.id)} primary />
        ) : running ? (
          <Tool icon="pause" label={t("toolbar.pause")} onClick={() => run("stop")} primary />
        ) : (
          <Tool icon="play" label={paused ? t("toolbar.resume") : t("toolbar.start")} onClick={() => void controller.start(row.id)} primary />
        )}
        <Tool icon="reset" label={t("toolbar.reset")} onClick={() => run("system_reset")} disabled={!running && !paused} />
        <Tool icon="power" label={t("toolbar.off")} onClick={() => run("quit")} disabled={!running && !paused} />
        <span className="divider" />
        <Tool icon="keys" label={t("toolbar.cad")} onClick={() => run("sendkey", { keys: "ctrl-alt-delete" })} disabled={!running} />
        <Tool
          icon="full"
          label={t("toolbar.full")}
          disabled={!open}
          onClick={() => {
            actions.tab(row.id, "screen");
            requestAnimationFrame(() => void fullScreen(row.id));
          }}
        />
        <Tool icon="camera" label={t("toolbar.shot")} onClick={() => screenshot(row.id, row.config.name)} disabled={!open || tab !== "screen"} />
        <Tool icon={sound ? "sound" : "mute"} label={t(sound ? "toolbar.mute" : "toolbar.sound")} onClick={() => actions.sound(!sound)} />
        <span className="divider" />
        <Tool icon="link" label={t("toolbar.share")} disabled={row.state === "opening" || row.passing} onClick={() => setSharing(true)} />
        <Tool icon="copy" label={t("toolbar.clone")} disabled={row.state === "opening" || row.passing} onClick={() => setCloning(true)} />
      </div>
      <Progress row={row} />
      {row.report !== null && <CrashReport report={row.report} />}
      <div className="machine-body">
        <div className="machine-main">
          <div className="tabs" role="tablist" aria-label={t("tab.label")} onKeyDown={tabKeys}>
            {tabs.map((one) => (
              <button key={one.id} id={`tab-${one.id}`} type="button" role="tab" aria-selected={tab === one.id} aria-controls="tab-panel" tabIndex={tab === one.id ? 0 : -1} onClick={() => actions.tab(row.id, one.id)} data-testid={`tab-${one.id}`}>
                <Icon name={one.icon} />
                {t(one.label)}
              </button>
            ))}
          </div>
          <div className="tab-panel" id="tab-panel" role="tabpanel" aria-labelledby={`tab-${tab}`}>
            {/* The screen stays in place while hidden: it keeps its scale and its text for tests. */}
            <div className="tab-page" hidden={tab !== "screen"}>
              <Screen row={row} client={open ? client : null} shown={tab === "screen"} />
            </div>
            {tab === "serial" && <Serial row={row} client={client} shown />}
            {tab === "monitor" && <Monitor row={row} client={open ? client : null} shown />}
            {tab === "snapshots" && <Snapshots row={row} />}
            {tab === "settings" && (
              // biome-ignore lint/a11y/noNoninteractiveTabindex: while the machine is on nothing in it can be focused, and it scrolls
              <section className="scroll" tabIndex={0} aria-label={t("tab.settings")}>
                <MachineForm key={JSON.stringify(row.config)} initial={row.config} isNew={false} disabled={row.state !== "off" && row.state !== "crashed"} onSave={(config) => void controller.update(row.id, config)} />
              </section>
            )}
          </div>
        </div>
        {inspecting && (
          <>
            <Splitter label={t("insp.separator")} share={share} onShare={inspectorActions.share} />
            <div className="machine-side" style={{ flexBasis: `${share * 100}%` }}>
              <Inspector row={row} client={open ? client : null} waiting={<p className="hint insp-empty">{t("insp.loading")}</p>} />
            </div>
          </>
        )}
      </div>
      <StatusLine row={row} client={open ? client : null} />
      {cloning && <CloneDialog row={row} onClose={() => setCloning(false)} />}
      {sharing && <ShareDialog row={row} onClose={() => setSharing(false)} />}
    </section>
  );
}
function Tool({ icon, label, onClick, disabled = false, primary = false }: { readonly icon: IconName; readonly label: string; onClick(): void; readonly disabled?: boolean; readonly primary?: boolean }) {
  return (
    <button type="button" className={primary ? "primary" : ""} onClick={onClick} disabled={disabled} data-testid={`tool-${icon}`} title={label}>
      <Icon name={icon} />
      <span className="tool-label">{label}</span>
    </button>
  );
}
/** A bar for what takes longer than a second. */
function Progress({ row }: { readonly row: MachineRow }) {
  const t = useText();
  const [late, setLate] = useState(false);
  const opening = row.state === "opening";
  useEffect(() => {
    setLate(false);
    if (!opening) return;
    const timer = setTimeout(() => setLate(true), SHOW_PROGRESS_AFTER_MS);
    return () => clearTimeout(timer);
  }, [opening]);
  if (!opening || !late) return null;
  const { loaded, total } = row.progress ?? { loaded: 0, total: 0 };
  return (
    <div className="progress" data-testid="progress">
      <progress max={total || 1} {...(total ? { value: loaded } : {})} aria-label={t("progress.label")} />
      <span>{total ? t("progress.of", { loaded: bytesText(loaded), total: bytesText(total) }) : t("progress.some", { loaded: bytesText(loaded) })}</span>
    </div>
  );
}
function CrashReport({ report }: { readonly report: string }) {
  const t = useText();
  const text = useRef<HTMLPreElement>(null);
  return (
    <details className="crash" open>
      <summary>{t("crash.title")}</summary>
      <p>{t("crash.text")}</p>
      <pre ref={text} translate="no">
        {report}
      </pre>
      <button type="button" onClick={() => void navigator.clipboard?.writeText(report)}>
        <Icon name="clipboard" />
        {t("crash.copy")}
      </button>
    </details>
  );
}

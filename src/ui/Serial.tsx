// A serial port as a terminal. The terminal itself lives in terminals.ts; this only gives it a place.

import "@xterm/xterm/css/xterm.css";
import { useEffect, useRef, useState } from "react";
import { actions, type MachineClient, type MachineRow } from "../store/index.ts";
import { Icon } from "./icons.tsx";
import { inTasks } from "./tasks.ts";
import { terminalFor } from "./terminals.ts";
import { useText } from "./use-text.ts";

export function Serial({ row, client, shown }: { readonly row: MachineRow; readonly client: MachineClient | null; readonly shown: boolean }) {
  const t = useText();
  const place = useRef<HTMLDivElement>(null);
  const [port, setPort] = useState(0);
  const consoles = row.config.serial.flatMap((backend, index) => (backend === "console" || backend === "stdio" ? [index] : []));
  const current = consoles.length > port ? port : 0;
  const none = consoles.length === 0;

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new session means new shared memory behind the same client
  useEffect(() => {
    if (!shown || none || !place.current) return;
    const target = place.current;
    const serial = () => terminalFor(row.id, current, client);
    const observer = new ResizeObserver(() => serial().fit());
    const cancel = inTasks(
      () => target.replaceChildren(serial().element),
      () => serial().open(),
      () => {
        serial().fit();
        observer.observe(target);
      },
      () => serial().terminal.focus(),
    );
    return () => {
      cancel();
      observer.disconnect();
    };
  }, [row.id, row.session, client, shown, current, none]);

  const paste = async () => {
    try {
      const text = await navigator.clipboard.readText();
      terminalFor(row.id, current, client).terminal.paste(text);
    } catch {
      actions.fault({ code: "clipboard.read", message: "The browser did not allow reading the clipboard.", hint: "Click into the terminal and press Ctrl+Shift+V." });
    }
    terminalFor(row.id, current, client).terminal.focus();
  };
  const copy = () => {
    const { terminal } = terminalFor(row.id, current, client);
    if (!terminal.hasSelection()) terminal.selectAll();
    void navigator.clipboard?.writeText(terminal.getSelection());
    terminal.focus();
  };
  if (none) return <div className="panel empty-panel">{t("serial.none")}</div>;
  return (
    <div className="panel">
      <div className="terminal-place" ref={place} data-testid="serial" translate="no" />
      <div className="panel-bar">
        <span className="hint">{t("serial.hint")}</span>
        {consoles.length > 1 && (
          <label className="inline">
            {t("serial.port")}
            <select value={current} onChange={(e) => setPort(Number(e.target.value))}>
              {consoles.map((index, n) => (
                <option key={index} value={n} translate="no">
                  {`COM${index + 1}`}
                </option>
              ))}
            </select>
          </label>
        )}
        <button type="button" className="quiet" onClick={copy}>
          <Icon name="file" />
          {t("serial.copy")}
        </button>
        <button type="button" className="quiet" onClick={() => void paste()} data-testid="serial-paste">
          <Icon name="clipboard" />
          {t("serial.paste")}
        </button>
      </div>
    </div>
  );
}

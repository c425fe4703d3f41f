// The monitor console: lines typed here are commands of the machine. Up and Down go through the history, Tab completes (and moves on when
// the line is empty, so that nobody is trapped).

import { useEffect, useRef, useState } from "react";
import { addressesIn } from "../contract/addresses.ts";
import type { Fault } from "../contract/schema.ts";
import type { Language } from "../i18n/index.ts";
import { controller, type MachineClient, type MachineRow } from "../store/index.ts";
import { imgLines, isImg } from "./ImgShell.tsx";
import { later } from "./later.tsx";
import { faultLine, type Line, Lines } from "./Lines.tsx";
import { useLanguage, useText } from "./use-text.ts";

/** Links to panels: fetched when there is one to draw. */
const LinkedText = later(() => import("./inspector/LinkedText.tsx"));
const logs = new Map<string, Log>();
const MOST_LINES = 2000;
type Log = { lines: readonly Line[]; history: readonly string[] };
const appended = (log: Log, lines: readonly Line[]): Log => ({ ...log, lines: [...log.lines, ...lines].slice(-MOST_LINES) });
/** Consoles that are on the screen. */
const shownConsoles = new Map<string, (change: (log: Log) => Log) => void>();
/** Carries a line out as if it had been typed into a machine's console; the Fault, if there is one. */
export async function typeInto(id: string, client: MachineClient, language: Language, text: string): ReturnType<MachineClient["type"]> {
  const put = (...lines: Line[]) => {
    const show = shownConsoles.get(id);
    if (show) show((log) => appended(log, lines));
    else logs.set(id, appended(logs.get(id) ?? { lines: [], history: [] }, lines));
  };
  put({ kind: "input", text });
  const reply = await client.type(text);
  if (!reply.ok) put(faultLine(language, reply.error));
  else if (reply.value) put({ kind: "output", text: reply.value, command: text });
  return reply;
}

export function Monitor({ row, client, shown }: { readonly row: MachineRow; readonly client: MachineClient | null; readonly shown: boolean }) {
  const t = useText();
  const language = useLanguage();
  const [log, setLog] = useState<Log>(() => logs.get(row.id) ?? { lines: [], history: [] });
  const [line, setLine] = useState("");
  const [at, setAt] = useState(-1);
  const end = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    logs.set(row.id, log);
    end.current?.scrollIntoView({ block: "end" });
  }, [log, row.id]);
  useEffect(() => {
    shownConsoles.set(row.id, setLog);
    return () => void shownConsoles.delete(row.id);
  }, [row.id]);
  useEffect(() => {
    if (shown) input.current?.focus();
  }, [shown]);

  const print = (...lines: Line[]) => setLog((l) => appended(l, lines));
  const send = async (text: string) => {
    setLine("");
    setAt(-1);
    if (text.trim() === "") return;
    setLog((l) => ({ lines: [...l.lines, { kind: "input", text }], history: [...l.history.filter((h) => h !== text), text].slice(-200) }));
    if (text.trim() === "clear") {
      setLog((l) => ({ ...l, lines: [] }));
      return;
    }
    const fail = (fault: Fault) => print(faultLine(language, fault));
    if (isImg(text)) {
      // The library's files, whatever the machine does.
      print(...(await imgLines(language, text)));
      return;
    }
    if (!client) {
      // Before its first start a machine has no worker to ask.
      if (text.trim() !== "start") print({ kind: "error", text: t("monitor.off") });
      else {
        const fault = await controller.start(row.id);
        if (fault) fail(fault);
      }
      return;
    }
    const reply = await client.type(text);
    if (!reply.ok) fail(reply.error);
    else if (reply.value) print({ kind: "output", text: reply.value, command: text });
  };
  const output = ({ text, command }: Line) =>
    client && command !== undefined && addressesIn(command, text).length > 0 ? <LinkedText row={row} client={client} command={command} text={text} waiting={text} /> : text;
  const complete = async () => {
    const found = (await client?.complete(line)) ?? [];
    if (found.length === 0) return;
    let common = found[0] as string;
    for (const one of found) while (!one.startsWith(common)) common = common.slice(0, -1);
    if (found.length === 1) setLine(`${common} `);
    else if (common.length > line.length) setLine(common);
    else print({ kind: "output", text: found.join("   ") });
  };
  const onKey = (event: React.KeyboardEvent) => {
    const { history } = log;
    if (event.key === "Tab" && !event.shiftKey && line !== "") {
      event.preventDefault();
      void complete();
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      const next = Math.max(-1, Math.min(history.length - 1, at + (event.key === "ArrowUp" ? 1 : -1)));
      setAt(next);
      setLine(next < 0 ? "" : (history[history.length - 1 - next] ?? ""));
    }
  };
  return (
    <div className="panel monitor" data-testid="monitor">
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: a click anywhere only moves the focus to the line below */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling log must be reachable by keyboard */}
      <div className="monitor-log" role="log" aria-live="polite" aria-label={t("monitor.log")} tabIndex={0} onClick={(e) => !(e.target as Element).closest("button, [role=menu]") && !getSelection()?.toString() && input.current?.focus()}>
        <p className="monitor-intro">{t("monitor.intro")}</p>
        <Lines lines={log.lines} prompt={(text) => `> ${text}`} output={output} />
        <div ref={end} />
      </div>
      <form
        className="monitor-line"
        onSubmit={(e) => {
          e.preventDefault();
          void send(line);
        }}
      >
        <span aria-hidden="true" translate="no">
          &gt;
        </span>
        <input ref={input} value={line} onChange={(e) => setLine(e.target.value)} onKeyDown={onKey} aria-label={t("monitor.line")} placeholder={t("monitor.placeholder")} spellCheck={false} autoComplete="off" autoCapitalize="off" data-testid="monitor-line" />
      </form>
    </div>
  );
}

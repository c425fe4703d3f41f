// qemu-img's words over the files of the library: a line and what it printed. The monitor of every machine takes "img …" too.

import { useRef, useState } from "react";
import { controller } from "../store/index.ts";
import { faultLine, type Line, Lines } from "./Lines.tsx";
import { useLanguage, useText } from "./use-text.ts";

/** What a line of img says, as lines to print. */
export async function imgLines(language: ReturnType<typeof useLanguage>, text: string): Promise<readonly Line[]> {
  const reply = await controller.img(text);
  if (!reply.ok) return [faultLine(language, reply.error)];
  const { out, err } = reply.value;
  return [...(out ? [{ kind: "output" as const, text: out.trimEnd() }] : []), ...(err ? [{ kind: "error" as const, text: err.trimEnd() }] : [])];
}
export const isImg = (text: string): boolean => /^\s*(guesthouse\s+|qemu-)?img(\s|$)/.test(text);

export function ImgShell() {
  const t = useText();
  const language = useLanguage();
  const [lines, setLines] = useState<readonly Line[]>([]);
  const [line, setLine] = useState("");
  const [busy, setBusy] = useState(false);
  const [history, setHistory] = useState<readonly string[]>([]);
  const at = useRef(-1);
  /** One after the other, in the order they were typed. */
  const queue = useRef(Promise.resolve());
  const send = () => {
    const text = line.trim();
    if (text === "") return;
    setLine("");
    at.current = -1;
    setHistory((h) => [text, ...h.filter((x) => x !== text)].slice(0, 100));
    setBusy(true);
    const mine = queue.current.then(async () => {
      setLines((l) => [...l, { kind: "input", text }]);
      const answer = await imgLines(language, isImg(text) ? text : `img ${text}`);
      setLines((l) => [...l, ...answer].slice(-500));
      if (queue.current === mine) setBusy(false);
    });
    queue.current = mine;
  };
  return (
    <details className="img-shell" data-testid="img-shell">
      <summary>{t("img.title")}</summary>
      <p className="hint">{t("img.hint")}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling log must be reachable by keyboard */}
      <div className="monitor-log img-log" role="log" aria-live="polite" aria-label={t("img.log")} tabIndex={0} data-testid="img-log">
        <Lines lines={lines} prompt={(text) => `img ${text.replace(/^(guesthouse\s+|qemu-)?img\s+/, "")}`} />
      </div>
      <form
        className="monitor-line"
        onSubmit={(e) => {
          e.preventDefault();
          send();
        }}
      >
        <span aria-hidden="true" translate="no">
          img
        </span>
        <input
          value={line}
          onChange={(e) => setLine(e.target.value)}
          onKeyDown={(e) => {
            if (e.key !== "ArrowUp" && e.key !== "ArrowDown") return;
            e.preventDefault();
            at.current = Math.max(-1, Math.min(history.length - 1, at.current + (e.key === "ArrowUp" ? 1 : -1)));
            setLine(history[at.current] ?? "");
          }}
          aria-label={t("img.line")}
          aria-busy={busy}
          placeholder="info disk.qcow2"
          spellCheck={false}
          autoComplete="off"
          autoCapitalize="off"
          data-testid="img-line"
        />
      </form>
    </details>
  );
}

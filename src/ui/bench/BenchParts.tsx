// Parts of the assembly bench that show and ask: what the machine does in words, the files beside the source, and the link to a program.

import { useRef, useState } from "react";
import type { Hang } from "../../bench/hang.ts";
import type { Fatal } from "../../contract/shutdown.ts";
import { type MachineRow } from "../../store/index.ts";
import { Dialog } from "../Dialogs.tsx";
import { addressText, fatalDetails, raisedText } from "../exception-words.ts";
import { Icon } from "../icons.tsx";
import { bytesText, type T } from "../use-text.ts";

/** Where the machine stands, when it stands. */
export interface Stop {
  readonly line: number | null;
  readonly address: bigint;
}
/** The exception that ended the program, in words; `line`: of the source, when the address is in it. */
export const fatalText = (fatal: Fatal, line: number | null, t: T): string => [raisedText(fatal, line, t), ...fatalDetails(fatal, t), t("bench.fatal.why")].join(" ");
/** An exception in which a real-mode program goes round. */
export const hangText = (hang: Hang, line: number | null, t: T): string =>
  [raisedText(hang, line, t), t("bench.hang", { vector: hang.vector, handler: addressText(hang.handler) }), ...(hang.irq === null ? [] : [t("bench.hang.irq", { irq: hang.irq })])].join(" ");
/** What the machine does, in words. */
export function Standing({ row, stop, stale, ended, fatal, fatalLine, hang, hangLine, t }: { readonly row: MachineRow; readonly stop: Stop | null; readonly stale: boolean; readonly ended: boolean; readonly fatal: Fatal | null; readonly fatalLine: number | null; readonly hang: Hang | null; readonly hangLine: number | null; readonly t: T }) {
  const words = () => {
    if (row.state === "running") return hang ? hangText(hang, hangLine, t) : t("bench.running");
    if (row.state === "paused" && stop) {
      if (ended) return t("bench.ended");
      return stop.line === null ? t("bench.outside", { address: addressText(stop.address) }) : t("bench.at", { line: stop.line });
    }
    if (row.state === "off" && row.reason !== "new") {
      if (row.reason === "reset") return t("bench.reset");
      if (row.reason !== "shutdown") return t("bench.off");
      return fatal ? fatalText(fatal, fatalLine, t) : t("bench.shutdown");
    }
    return "";
  };
  return (
    <span className="bench-standing" data-testid="bench-standing" data-line={stop?.line ?? ""}>
      {" "}
      {words()} {stale && t("bench.changed")}
    </span>
  );
}
export type SourceFiles = ReadonlyMap<string, Uint8Array>;
const MOST_FILES = 32;
const MOST_BYTES = 1 << 20;
/** Names that the assembler uses itself (workers/bench/nasm.ts). */
const TAKEN = ["bench.asm", "out.bin", "out.lst", "out.map"];
/** Files that %include and incbin find by their names. */
export function FileList({ files, change, t }: { readonly files: SourceFiles; change(files: SourceFiles): void; readonly t: T }) {
  const input = useRef<HTMLInputElement>(null);
  const [refused, setRefused] = useState<readonly string[]>([]);
  const add = async (list: FileList | null): Promise<void> => {
    const next = new Map(files);
    const not: string[] = [];
    for (const file of list ?? []) {
      if (TAKEN.includes(file.name) || file.size > MOST_BYTES || (!next.has(file.name) && next.size >= MOST_FILES)) not.push(file.name);
      else next.set(file.name, new Uint8Array(await file.arrayBuffer()));
    }
    setRefused(not);
    change(next);
    // The same file may be chosen again when it changed.
    if (input.current) input.current.value = "";
  };
  return (
    <div className="bench-files">
      <button type="button" onClick={() => input.current?.click()} title={t("bench.filesHint")} data-testid="bench-files-add">
        {t("bench.files")}
      </button>
      <input ref={input} type="file" multiple hidden aria-label={t("bench.files")} onChange={(e) => void add(e.target.files)} data-testid="bench-files" />
      {files.size > 0 && (
        <ul aria-label={t("bench.files")}>
          {[...files].map(([name, bytes]) => (
            <li key={name}>
              <span translate="no">
                {name} ({bytesText(bytes.length)})
              </span>
              <button
                type="button"
                className="quiet"
                aria-label={t("bench.filesRemove", { name })}
                onClick={() => {
                  const next = new Map(files);
                  next.delete(name);
                  change(next);
                }}
                data-testid="bench-file-remove"
              >
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
      {refused.length > 0 && (
        <p role="alert" data-testid="bench-files-refused">
          {t("bench.filesRefused", { names: refused.join(", "), most: MOST_FILES })}
        </p>
      )}
    </div>
  );
}
export function Link({ link, files, onClose, t }: { readonly link: string; readonly files: boolean; onClose(): void; readonly t: T }) {
  const [copied, setCopied] = useState(false);
  return (
    <Dialog title={t("bench.link")} onClose={onClose} testId="bench-share-dialog">
      {files && <p role="alert">{t("bench.linkFiles")}</p>}
      <textarea readOnly rows={4} value={link} aria-label={t("bench.link")} onFocus={(e) => e.target.select()} data-testid="bench-link" translate="no" />
      <div className="row end">
        <button type="button" className="primary" onClick={() => void navigator.clipboard?.writeText(link).then(() => setCopied(true))}>
          <Icon name="clipboard" />
          {copied ? t("bench.copied") : t("bench.copy")}
        </button>
        <button type="button" onClick={onClose} data-testid="bench-link-close">
          {t("bench.close")}
        </button>
      </div>
    </Dialog>
  );
}

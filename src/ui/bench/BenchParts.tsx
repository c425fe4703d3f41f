// Parts of the assembly bench that show and ask: what the machine does in words, the files beside the source, and the link to a program.

import { useRef, useState } from "react";
import type { Fatal } from "../../bench/fatal.ts";
import type { Key } from "../../i18n/index.ts";
import { type MachineRow } from "../../store/index.ts";
import { Dialog } from "../Dialogs.tsx";
import { Icon } from "../icons.tsx";
import { bytesText, type T } from "../use-text.ts";

/** Where the machine stands, when it stands. */
export interface Stop {
  readonly line: number | null;
  readonly address: bigint;
}
/** Exceptions by vector (Intel SDM 3A table 6-1); others have no name of their own. */
const EXCEPTIONS: { readonly [vector: number]: Key } = {
  0: "bench.exception.0", 1: "bench.exception.1", 3: "bench.exception.3", 4: "bench.exception.4", 5: "bench.exception.5", 6: "bench.exception.6", 7: "bench.exception.7", 8: "bench.exception.8",
  10: "bench.exception.10", 11: "bench.exception.11", 12: "bench.exception.12", 13: "bench.exception.13", 14: "bench.exception.14", 16: "bench.exception.16", 17: "bench.exception.17", 19: "bench.exception.19",
};
const addressText = (address: number | bigint) => `${BigInt.asUintN(64, BigInt(address)).toString(16)}h`;

/** The exception that ended the program, in words; `line`: of the source, when the address is in it. */
export function fatalText({ vector, address, code, touched, gate }: Fatal, line: number | null, t: T): string {
  const known = EXCEPTIONS[vector];
  const name = known ? t(known) : "";
  const at = { address: addressText(address), vector, name };
  return [
    line === null ? t("bench.fatal.outside", at) : t("bench.fatal.line", { ...at, line }),
    ...(touched === null ? [] : [t("bench.fatal.touched", { address: addressText(touched) })]),
    ...(gate === null ? (code === null || code === 0 ? [] : [t("bench.fatal.code", { code: addressText(code) })]) : [t("bench.fatal.gate", { vector: gate })]),
    t("bench.fatal.why"),
  ].join(" ");
}
/** What the machine does, in words. */
export function Standing({ row, stop, stale, ended, fatal, fatalLine, t }: { readonly row: MachineRow; readonly stop: Stop | null; readonly stale: boolean; readonly ended: boolean; readonly fatal: Fatal | null; readonly fatalLine: number | null; readonly t: T }) {
  const words = () => {
    if (row.state === "running") return t("bench.running");
    if (row.state === "paused" && stop) {
      if (ended) return t("bench.ended");
      return stop.line === null ? t("bench.outside", { address: addressText(stop.address) }) : t("bench.at", { line: stop.line });
    }
    if (row.state === "off" && row.reason !== "new") {
      if (row.reason !== "shutdown" && row.reason !== "reset") return t("bench.off");
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
/** Files that %include and incbin find by their names. They stay while the bench is open. */
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

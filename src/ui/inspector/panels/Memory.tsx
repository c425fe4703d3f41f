// Bytes as hex and characters, live: linear or physical addresses, search, and typing over bytes. Devices' registers are not read, since a read may change
// them. Sixteen bytes a line; PageUp and PageDown move on; what changed since the last look is marked while the machine stands.

import { useRef, useState } from "react";
import type { MemoryBytes } from "../../../contract/inspect.ts";
import type { Fault } from "../../../contract/schema.ts";
import { inspected, inspectorActions, useInspector } from "../../../store/index.ts";
import { useText } from "../../use-text.ts";
import { Address, hex } from "../Address.tsx";
import { AddressField, FaultLine } from "../Editable.tsx";
import { useAct, useBefore, useLook, useMachine } from "../look.ts";

const ROWS = 32;
const same = (a: MemoryBytes, b: MemoryBytes) => a.address === b.address && a.bytes.every((v, n) => v === b.bytes[n]);

export default function Memory() {
  const t = useText();
  const act = useAct();
  const { row } = useMachine();
  const at = useInspector((s) => inspected(s, row.id).memory);
  const { value, fault } = useLook<MemoryBytes>("memory", { address: at, length: ROWS * 16 });
  const before = useBefore(value, same);
  const [failed, setFailed] = useState<Fault | null>(null);
  const [what, setWhat] = useState("");
  const [found, setFound] = useState<"" | "no">("");
  const physical = at.startsWith("p:");
  const go = (text: string) => inspectorActions.place(row.id, "memory", /^(p:)?[0-9a-f]+$/i.test(text) && !/^(p:)?\d+$/.test(text) ? text.replace(/^(p:)?/, "$10x") : text);
  const shown = (address: bigint) => `${physical ? "p:" : ""}0x${hex(address)}`;
  const turn = (bytes: bigint) => value && go(shown(BigInt.asUintN(64, value.address + bytes < 0n ? 0n : value.address + bytes)));
  const search = async () => {
    if (!value || what.trim() === "") return;
    setFound("");
    const result = await act("find", { what: what.trim(), from: shown(value.address + 1n) });
    setFailed(result.fault);
    const hit = result.value as { readonly at: bigint | null } | null;
    if (hit?.at != null) go(shown(hit.at));
    else if (!result.fault) setFound("no");
  };
  const write = async (n: number, byte: number) => {
    if (!value) return;
    setFailed((await act("poke", { address: shown(value.address + BigInt(n)), bits: "8", value: String(byte) })).fault);
  };
  const changed = (n: number) => row.state === "paused" && before !== null && value !== null && before.address === value.address && before.bytes[n] !== value.bytes[n];
  return (
    <div className="insp-panel" data-testid="panel-memory">
      <AddressField label={t("insp.address")} value={at} onGo={go} testId="memory-address">
        {["$rsp", "$rip"].map((name) => (
          <button key={name} type="button" className="small" aria-pressed={at === name} onClick={() => go(name)} translate="no">
            {name.slice(1).toUpperCase()}
          </button>
        ))}
        <button type="button" className="small" aria-pressed={physical} onClick={() => go(physical ? at.slice(2) : `p:${at}`)} title={t("insp.memory.physicalHint")}>
          {t("insp.memory.physical")}
        </button>
        <button type="button" className="small" onClick={() => turn(BigInt(-ROWS * 16))} aria-label={t("insp.back")} title={t("insp.back")}>
          ▲
        </button>
        <button type="button" className="small" onClick={() => turn(BigInt(ROWS * 16))} aria-label={t("insp.on")} title={t("insp.on")}>
          ▼
        </button>
      </AddressField>
      <form
        className="insp-bar"
        onSubmit={(e) => {
          e.preventDefault();
          void search();
        }}
      >
        <input type="text" value={what} onChange={(e) => setWhat(e.target.value)} placeholder={t("insp.memory.search")} aria-label={t("insp.memory.search")} spellCheck={false} data-testid="memory-search" />
        <button type="submit">{t("insp.memory.find")}</button>
        {found === "no" && (
          <span className="hint" role="status">
            {t("insp.memory.notFound")}
          </span>
        )}
      </form>
      <FaultLine fault={failed ?? fault} />
      {/* biome-ignore lint/a11y/noStaticElementInteractions: keys of the bytes inside */}
      <div
        className="insp-scroll"
        onKeyDown={(e) => {
          if (e.key === "PageDown" || e.key === "PageUp") {
            e.preventDefault();
            turn(BigInt((e.key === "PageDown" ? 1 : -1) * ROWS * 16));
          }
        }}
      >
        {value && <Bytes value={value} changed={changed} onWrite={(n, byte) => void write(n, byte)} />}
      </div>
    </div>
  );
}
function Bytes({ value, changed, onWrite }: { readonly value: MemoryBytes; changed(n: number): boolean; onWrite(n: number, byte: number): void }) {
  const t = useText();
  const table = useRef<HTMLTableElement>(null);
  const [focus, setFocus] = useState(0);
  const [half, setHalf] = useState<string>("");
  const { bytes, address, physical } = value;
  const move = (n: number) => {
    const to = Math.max(0, Math.min(bytes.length - 1, n));
    setFocus(to);
    setHalf("");
    table.current?.querySelector<HTMLElement>(`[data-n="${to}"]`)?.focus();
  };
  const onKey = (event: React.KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 16, ArrowUp: -16 }[event.key];
    if (step) move(focus + step);
    else if (/^[0-9a-f]$/i.test(event.key) && !event.ctrlKey && !event.metaKey) {
      if ((bytes[focus] as number) < 0) return;
      if (half === "") setHalf(event.key);
      else {
        onWrite(focus, Number.parseInt(half + event.key, 16));
        move(focus + 1);
      }
    } else if (event.key === "Escape") setHalf("");
    else return;
    event.preventDefault();
  };
  const cell = (b: number) => (b === -1 ? "--" : b === -2 ? "··" : b.toString(16).padStart(2, "0"));
  return (
    // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: the bytes are the grid's cells, and take the keys
    <table ref={table} className="insp-bytes" role="grid" aria-label={t("insp.memory.bytes")} translate="no" onKeyDown={onKey}>
      <tbody>
        {Array.from({ length: bytes.length / 16 }, (_, r) => {
          const part = bytes.slice(r * 16, r * 16 + 16);
          const start = BigInt.asUintN(64, address + BigInt(r * 16));
          return (
            <tr key={hex(start)}>
              <th scope="row">
                <Address at={start} physical={physical} digits={8} />
              </th>
              {part.map((b, c) => {
                const n = r * 16 + c;
                return (
                  // biome-ignore lint/suspicious/noArrayIndexKey: bytes stay in place
                  <td key={c} data-n={n} tabIndex={n === focus ? 0 : -1} className={`${b < 0 ? "faint" : ""}${changed(n) ? " changed" : ""}`} title={b === -2 ? t("insp.memory.device") : b === -1 ? t("insp.unmapped") : undefined} onFocus={() => setFocus(n)}>
                    {n === focus && half !== "" ? `${half}_` : cell(b)}
                  </td>
                );
              })}
              <td className="characters">{part.map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : "·")).join("")}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

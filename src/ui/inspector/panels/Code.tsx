// Instructions around an address, or where the processor stands. The gutter sets and takes breakpoints; a stroke beside the bytes marks code that the
// processor has decoded (thin) or that was translated to WebAssembly (thick).

import { useEffect, useRef, useState } from "react";
import type { CodeLine, CodeListing } from "../../../contract/inspect.ts";
import type { Fault } from "../../../contract/schema.ts";
import { inspected, inspectorActions, useInspector } from "../../../store/index.ts";
import { useText } from "../../use-text.ts";
import { Address, hex, Instruction, symbolText } from "../Address.tsx";
import { AddressField, FaultLine } from "../Editable.tsx";
import { useAct, useLook, useMachine } from "../look.ts";
import { Menu } from "../Menu.tsx";
import { showRow } from "../scroll.ts";

const LINES = 40;
/** Forty lines of links cost a page more to draw than the other panels. */
const EVERY_MS = 500;
export default function Code() {
  const t = useText();
  const act = useAct();
  const { row } = useMachine();
  const at = useInspector((s) => inspected(s, row.id).code);
  const running = row.state === "running";
  const { value, fault } = useLook<CodeListing>("disassemble", { address: at, count: LINES, back: at === "$rip" && running ? 0 : 6 }, EVERY_MS);
  const [failed, setFailed] = useState<Fault | null>(null);
  const go = (text: string) => inspectorActions.place(row.id, "code", /^[0-9a-f]{4,16}$/i.test(text) && !/^\d+$/.test(text) ? `0x${text}` : text);
  const here = useRef<HTMLTableRowElement>(null);
  const ip = value?.ip;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new place of the processor is what the view follows
  useEffect(() => {
    if (!running) showRow(here.current);
  }, [ip, running]);
  const toggle = async (line: CodeLine) => {
    let result: Fault | null = null;
    if (line.breakpoints.length === 0) result = (await act("break", { what: `0x${hex(line.address)}` })).fault;
    else for (const id of line.breakpoints) result = (await act("delete", { id })).fault;
    setFailed(result);
  };
  const file = useRef<HTMLInputElement>(null);
  const [said, setSaid] = useState<number | null>(null);
  const symbols = async (name: string, args = {}) => {
    const result = await act(name, args);
    setFailed(result.fault);
    setSaid(result.fault ? null : Number(result.value));
  };
  const fromFile = async (input: HTMLInputElement) => {
    const chosen = input.files?.[0];
    input.value = "";
    if (!chosen) return;
    const bytes = new Uint8Array(await chosen.arrayBuffer());
    let content = "";
    for (let n = 0; n < bytes.length; n += 32768) content += String.fromCharCode(...bytes.subarray(n, n + 32768));
    await symbols("symbols", { file: chosen.name, content });
  };
  const symbolItems = () => [
    { label: t("insp.symbols.linux"), testId: "symbols-linux", act: () => void symbols("symbols linux") },
    { label: t("insp.symbols.file"), act: () => file.current?.click() },
  ];
  const lines = value?.lines ?? [];
  const page = (to: "back" | "on") => {
    const line = to === "on" ? lines[lines.length - 2] : lines[0];
    if (line) go(to === "on" ? `0x${hex(line.address)}` : `0x${hex(line.address > 96n ? line.address - 96n : 0n)}`);
  };
  return (
    <div className="insp-panel" data-testid="panel-code">
      <AddressField label={t("insp.address")} value={at} onGo={go} testId="code-address">
        <button type="button" onClick={() => go("$rip")} aria-pressed={at === "$rip"} title={t("insp.followHint")}>
          {t("insp.follow")}
        </button>
        <button type="button" className="small" onClick={() => page("back")} aria-label={t("insp.back")} title={t("insp.back")}>
          ▲
        </button>
        <button type="button" className="small" onClick={() => page("on")} aria-label={t("insp.on")} title={t("insp.on")}>
          ▼
        </button>
        <Menu testId="code-symbols" items={symbolItems}>
          {t("insp.symbols")}
        </Menu>
        <span className="hint">{value ? t("insp.bits", { bits: value.bits }) : ""}</span>
      </AddressField>
      <input ref={file} type="file" hidden aria-label={t("insp.symbols.file")} onChange={(e) => void fromFile(e.target)} />
      {said !== null && (
        <p className="hint insp-note" role="status" data-testid="code-symbols-said">
          {t("insp.symbols.count", { count: said })}
        </p>
      )}
      <FaultLine fault={failed ?? fault} />
      <div className="insp-scroll">
        <table className="insp-code" translate="no" aria-label={t("insp.code")}>
          <tbody>
            {lines.map((line, n) => (
              <Line key={hex(line.address)} line={line} base={value?.base ?? 0n} current={line.address === ip} label={line.symbol && (line.symbol.offset === 0 || n === 0) ? symbolText(line.symbol) : null} onToggle={() => void toggle(line)} place={line.address === ip ? here : null} />
            ))}
            {value?.unmapped !== null && value && (
              <tr>
                <td colSpan={4} className="faint">
                  {hex(value.unmapped)}: {t("insp.unmapped")}
                </td>
              </tr>
            )}
          </tbody>
        </table>
      </div>
    </div>
  );
}
function Line({ line, base, current, label, onToggle, place }: { readonly line: CodeLine; readonly base: bigint; readonly current: boolean; readonly label: string | null; onToggle(): void; readonly place: React.RefObject<HTMLTableRowElement | null> | null }) {
  const t = useText();
  const on = line.breakpoints.length > 0;
  const address = hex(line.address, 8);
  return (
    <>
      {label !== null && (
        <tr className="symbol">
          <td />
          <td colSpan={3}>{label}:</td>
        </tr>
      )}
      <tr ref={place} className={current ? "current" : ""} aria-current={current ? "step" : undefined}>
        <td>
          <button type="button" className="bp" aria-pressed={on} aria-label={t(on ? "insp.bp.remove" : "insp.bp.add", { at: address })} title={t(on ? "insp.bp.remove" : "insp.bp.add", { at: address })} onClick={onToggle} />
        </td>
        <td>
          <Address at={line.address} digits={8} />
        </td>
        <td className={`bytes ${line.code ?? ""}`} title={line.code ? t(line.code === "region" ? "insp.mark.region" : "insp.mark.decoded") : undefined}>
          {[...line.bytes].map((b) => b.toString(16).padStart(2, "0")).join(" ")}
        </td>
        <td className="insn">
          <Instruction text={line.text} base={base} />
          {line.target && <span className="faint">{` <${symbolText(line.target)}>`}</span>}
        </td>
      </tr>
    </>
  );
}

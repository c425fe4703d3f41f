// Registers in groups: general, flags as switches, segments, control registers with their bits by name, tables, x87 and SSE. What changed since the last
// stop is marked. A paused machine's registers are edited in place.

import { useState } from "react";
import type { Fault } from "../../../contract/schema.ts";
import type { Shutdown } from "../../../contract/shutdown.ts";
import { useText } from "../../use-text.ts";
import { Address, hex } from "../Address.tsx";
import { FaultLine } from "../Editable.tsx";
import { useAct, useBefore, useLook, useMachine } from "../look.ts";

interface Segment {
  readonly name: string;
  readonly selector: number;
  readonly base: bigint;
  readonly limit: number;
  readonly attributes: number;
}
export interface RegisterSet {
  readonly registers: { readonly gpr: readonly bigint[]; readonly rip: bigint; readonly eflags: bigint; readonly cr0: bigint; readonly cr2: bigint; readonly cr3: bigint; readonly cr4: bigint; readonly efer: bigint; readonly cpl: number; readonly halted: boolean };
  readonly segments: readonly Segment[];
  readonly gdt: { readonly base: bigint; readonly limit: number };
  readonly idt: { readonly base: bigint; readonly limit: number };
  readonly debug: readonly bigint[];
  readonly vector: { readonly control: number; readonly status: number; readonly tags: number; readonly mxcsr: number; readonly x87: readonly (readonly [bigint, number])[]; readonly xmm: readonly (readonly [bigint, bigint])[] };
  readonly bits: 16 | 32 | 64;
  readonly linearIp: bigint;
}
const NAMES = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];
const ORDER = [0, 3, 1, 2, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15];
const FLAGS: readonly (readonly [bit: number, name: string])[] = [[0, "CF"], [2, "PF"], [4, "AF"], [6, "ZF"], [7, "SF"], [8, "TF"], [9, "IF"], [10, "DF"], [11, "OF"], [14, "NT"], [16, "RF"], [17, "VM"], [18, "AC"], [19, "VIF"], [20, "VIP"], [21, "ID"]];
/** SDM 3A 2.5 and 2.2.1, by bit. */
export const CONTROL_BITS = {
  cr0: { 0: "PE", 1: "MP", 2: "EM", 3: "TS", 4: "ET", 5: "NE", 16: "WP", 18: "AM", 29: "NW", 30: "CD", 31: "PG" },
  cr4: { 0: "VME", 1: "PVI", 2: "TSD", 3: "DE", 4: "PSE", 5: "PAE", 6: "MCE", 7: "PGE", 8: "PCE", 9: "OSFXSR", 10: "OSXMMEXCPT", 11: "UMIP", 12: "LA57", 16: "FSGSBASE", 17: "PCIDE", 18: "OSXSAVE", 20: "SMEP", 21: "SMAP" },
  efer: { 0: "SCE", 8: "LME", 10: "LMA", 11: "NXE" },
} as const;
const bitNames = (of: keyof typeof CONTROL_BITS, value: bigint) => Object.entries(CONTROL_BITS[of]).flatMap(([bit, name]) => (value & (1n << BigInt(bit)) ? [name] : [])).join(" ");
const flat = (s: RegisterSet) => [...s.registers.gpr, s.registers.rip, s.registers.eflags, s.registers.cr0, s.registers.cr2, s.registers.cr3, s.registers.cr4, s.registers.efer, ...s.segments.map((x) => BigInt(x.selector))];
const same = (a: RegisterSet, b: RegisterSet) => flat(a).every((v, n) => v === flat(b)[n]);

export default function Registers() {
  const t = useText();
  const act = useAct();
  const { row } = useMachine();
  /** Of the last triple fault, instead of now. */
  const [then, setThen] = useState(false);
  const { value: shutdown } = useLook<Shutdown | null>("info shutdown", {}, 1000);
  const past = shutdown !== null && row.state !== "off";
  const { value: now, fault } = useLook<RegisterSet>("info registers", past && then ? { when: "shutdown" } : {});
  const paused = row.state === "paused" && !(past && then);
  const before = useBefore(now, same);
  const [failed, setFailed] = useState<Fault | null>(null);
  if (!now) return <FaultLine fault={fault} />;
  const old = paused ? before : null;
  const { registers: r, bits } = now;
  const digits = bits === 64 ? 16 : 8;
  const put = async (name: string, text: string) => setFailed((await act("set", { register: name, value: /^[0-9a-f]+$/i.test(text) ? `0x${text}` : text })).fault);
  const gprName = (n: number) => (n < 8 ? `${bits === 64 ? "r" : "e"}${NAMES[n]}` : `r${n}`);
  const value = (name: string, v: bigint, was: bigint | undefined, width = digits, physical = false) => (
    <Value key={name} name={name} value={v} digits={width} at={/^.ip$/.test(name) ? now.linearIp : v} physical={physical} changed={was !== undefined && was !== v} editable={paused} onPut={(text) => void put(name, text)} />
  );
  return (
    <div className="insp-scroll" data-testid="panel-registers" translate="no">
      <FaultLine fault={failed ?? fault} />
      {past && (
        <p className="insp-bar" translate="yes">
          <button type="button" className="small" aria-pressed={then} onClick={() => setThen(!then)} data-testid="registers-then">
            {t("insp.shutdown.registers")}
          </button>
        </p>
      )}
      <div className="insp-registers">
        {(bits === 64 ? ORDER : ORDER.slice(0, 8)).map((n) => value(gprName(n), r.gpr[n] as bigint, old?.registers.gpr[n]))}
        {value(bits === 64 ? "rip" : "eip", r.rip, old?.registers.rip)}
        {value("eflags", r.eflags, old?.registers.eflags, 8)}
      </div>
      <fieldset className="insp-flags" aria-label={t("insp.flags")}>
        {FLAGS.map(([bit, name]) => {
          const on = (r.eflags & (1n << BigInt(bit))) !== 0n;
          const was = old ? (old.registers.eflags & (1n << BigInt(bit))) !== 0n : on;
          return (
            <button key={name} type="button" aria-pressed={on} className={was === on ? "" : "changed"} disabled={!paused} onClick={() => void put("eflags", hex(r.eflags ^ (1n << BigInt(bit))))}>
              {name}
            </button>
          );
        })}
        <span className="pill">IOPL {Number((r.eflags >> 12n) & 3n)}</span>
        <span className="pill">CPL {r.cpl}</span>
        {r.halted && <span className="pill warn">HLT</span>}
      </fieldset>
      <table className="insp-table">
        <thead>
          <tr>
            <th>{t("insp.segment")}</th>
            <th>{t("insp.selector")}</th>
            <th>{t("insp.base")}</th>
            <th>{t("insp.limit")}</th>
            <th>DPL</th>
          </tr>
        </thead>
        <tbody>
          {now.segments.map((s) => (
            <tr key={s.name} className={s.attributes & 0x10000 ? "faint" : ""}>
              <th scope="row">{s.name}</th>
              <td>{hex(s.selector, 4)}</td>
              <td>
                <Address at={s.base} digits={digits} />
              </td>
              <td>{hex(s.limit >>> 0, 8)}</td>
              <td>{s.attributes & 0x10000 ? "–" : (s.attributes >> 5) & 3}</td>
            </tr>
          ))}
          {(["gdt", "idt"] as const).map((name) => (
            <tr key={name}>
              <th scope="row">{name.toUpperCase()}</th>
              <td />
              <td>
                <Address at={now[name].base} digits={digits} />
              </td>
              <td>{hex(now[name].limit, 8)}</td>
              <td />
            </tr>
          ))}
        </tbody>
      </table>
      <div className="insp-controls">
        {(["cr0", "cr4", "efer"] as const).map((name) => (
          <div key={name}>
            {value(name, r[name], old?.registers[name], 8)}
            <span className="insp-bits">{bitNames(name, r[name])}</span>
          </div>
        ))}
        <div>{value("cr2", r.cr2, old?.registers.cr2)}</div>
        <div>{value("cr3", r.cr3, old?.registers.cr3, digits, true)}</div>
      </div>
      <details>
        <summary translate="yes">{t("insp.moreRegisters")}</summary>
        <div className="insp-registers">
          {now.debug.map((v, n) => (n === 4 || n === 5 ? null : value(`dr${n}`, v, undefined)))}
          {value("fcw", BigInt(now.vector.control), undefined, 4)}
          {value("fsw", BigInt(now.vector.status), undefined, 4)}
          {value("mxcsr", BigInt(now.vector.mxcsr), undefined, 8)}
        </div>
        <table className="insp-table">
          <tbody>
            {now.vector.x87.map(([low, high], n) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: registers stay in place
              <tr key={n}>
                <th scope="row">R{n}</th>
                <td>
                  {hex(high, 4)} {hex(low, 16)}
                </td>
              </tr>
            ))}
            {now.vector.xmm.slice(0, bits === 64 ? 16 : 8).map(([low, high], n) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: registers stay in place
              <tr key={n}>
                <th scope="row">XMM{n}</th>
                <td>
                  {hex(high, 16)} {hex(low, 16)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </div>
  );
}
function Value({ name, value, at, digits, changed, editable, physical, onPut }: { readonly name: string; readonly value: bigint; readonly at: bigint; readonly digits: number; readonly changed: boolean; readonly editable: boolean; readonly physical: boolean; onPut(text: string): void }) {
  const t = useText();
  const [typed, setTyped] = useState<string | null>(null);
  const text = hex(value, digits).slice(-Math.max(digits, hex(value).length));
  return (
    <span className={`insp-value${changed ? " changed" : ""}`} data-register={name}>
      <span className="name">{name}</span>
      {typed === null ? (
        <>
          <Address at={at} text={text} physical={physical} />
          {editable && (
            <button type="button" className="edit" aria-label={t("insp.edit", { name })} title={t("insp.edit", { name })} onClick={() => setTyped(text)}>
              ✎
            </button>
          )}
        </>
      ) : (
        <input
          // biome-ignore lint/a11y/noAutofocus: the person asked for this field just now
          autoFocus
          value={typed}
          aria-label={name}
          size={digits + 2}
          spellCheck={false}
          onChange={(e) => setTyped(e.target.value)}
          onBlur={() => setTyped(null)}
          onKeyDown={(e) => {
            if (e.key === "Enter") onPut(typed.trim());
            if (e.key === "Enter" || e.key === "Escape") setTyped(null);
          }}
        />
      )}
    </span>
  );
}

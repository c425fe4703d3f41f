// An address as a link: it opens the bytes, the instructions or the page walk there. Text with addresses in it becomes text with links.

import type { SymbolAt } from "../../contract/inspect.ts";
import { inspectorActions } from "../../store/index.ts";
import { useText } from "../use-text.ts";
import { useAct, useMachine } from "./look.ts";
import { Menu, type MenuItem } from "./Menu.tsx";

export const hex = (v: bigint | number, digits = 0) => BigInt.asUintN(64, BigInt(v)).toString(16).padStart(digits, "0");
export const symbolText = (s: SymbolAt | null | undefined) => (s ? `${s.name}${s.offset ? `+0x${s.offset.toString(16)}` : ""}` : "");

/** What one can do with an address of this machine. */
export function useAddressItems(): (at: bigint, physical: boolean) => readonly MenuItem[] {
  const t = useText();
  const act = useAct();
  const { row } = useMachine();
  return (at, physical) => {
    const where = `${physical ? "p:" : ""}0x${hex(at)}`;
    return [
      { label: t("insp.go.memory"), testId: "go-memory", act: () => inspectorActions.show(row.id, "memory", where) },
      ...(physical
        ? []
        : [
            { label: t("insp.go.code"), testId: "go-code", act: () => inspectorActions.show(row.id, "code", where) },
            { label: t("insp.go.walk"), testId: "go-walk", act: () => inspectorActions.show(row.id, "walk", where) },
          ]),
      { label: t("insp.go.break"), testId: "go-break", act: () => void act("break", { what: physical ? `phys 0x${hex(at)}` : where }) },
      { label: t("insp.go.watch"), testId: "go-watch", act: () => void act("watch", { what: physical ? `phys 0x${hex(at)}` : where }) },
      { label: t("insp.go.copy"), act: () => void navigator.clipboard?.writeText(`0x${hex(at)}`) },
    ];
  };
}
export function Address({ at, physical = false, digits = 0, text }: { readonly at: bigint; readonly physical?: boolean; readonly digits?: number; readonly text?: string }) {
  const items = useAddressItems();
  return (
    <Menu className={`addr${physical ? " physical" : ""}`} items={() => items(at, physical)} translated={false}>
      {text ?? hex(at, digits)}
    </Menu>
  );
}
/** Makes links of the numbers in an instruction that may be addresses (a displacement, "rip+0x…", is none, nor are the halves of a far pointer); where it branches to counts from the code segment's base. */
export function Instruction({ text, base }: { readonly text: string; readonly base: bigint }) {
  const from = /^(j|call|loop|xbegin)/.test(text) ? base : 0n;
  const parts = text.split(/((?<![+:-])0x[0-9a-f]{4,16}(?![:0-9a-f]))/);
  return (
    <>
      {parts.map((part, n) =>
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text
        n % 2 === 1 ? <Address key={n} at={from + BigInt(part)} text={part} /> : <span key={n}>{part}</span>,
      )}
    </>
  );
}

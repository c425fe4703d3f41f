// What the monitor printed, with its addresses as links, as in the panels: one stop of Tab for each answer, arrows go from address to address. There may
// be thousands of them, so that they share one menu. Choosing a place opens the inspector there.

import { useId, useMemo, useRef, useState } from "react";
import { type AddressIn, addressesIn } from "../../contract/addresses.ts";
import { inspectorActions, type MachineClient, type MachineRow } from "../../store/index.ts";
import { useAddressItems } from "./Address.tsx";
import "./inspector.css";
import { MachineContext } from "./look.ts";
import { MenuBox } from "./Menu.tsx";

export interface LinkedTextProps {
  readonly row: MachineRow;
  readonly client: MachineClient;
  /** The line that was typed. */
  readonly command: string;
  readonly text: string;
}
export default function LinkedText({ row, client, command, text }: LinkedTextProps) {
  const machine = useMemo(() => ({ row, client }), [row, client]);
  return (
    <MachineContext value={machine}>
      <Linked command={command} text={text} />
    </MachineContext>
  );
}
function Linked({ command, text }: Pick<LinkedTextProps, "command" | "text">) {
  const found = useMemo(() => addressesIn(command, text), [command, text]);
  const [open, setOpen] = useState<{ readonly at: AddressIn; readonly anchor: HTMLElement } | null>(null);
  /** The one that Tab comes to. */
  const [stop, setStop] = useState(0);
  const place = useRef<HTMLSpanElement>(null);
  const items = useAddressItems();
  const id = useId();
  const onKey = (event: React.KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const next = event.key === "Home" ? 0 : event.key === "End" ? found.length - 1 : step === undefined ? null : Math.max(0, Math.min(found.length - 1, stop + step));
    if (next === null || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    place.current?.querySelectorAll<HTMLElement>(".addr")[next]?.focus();
  };
  const parts: React.ReactNode[] = [];
  let from = 0;
  for (const [n, at] of found.entries()) {
    const shown = open?.at === at;
    parts.push(
      text.slice(from, at.from),
      <button
        key={at.from}
        type="button"
        className={`addr${at.physical ? " physical" : ""}`}
        tabIndex={n === stop ? 0 : -1}
        aria-haspopup="menu"
        aria-expanded={shown}
        aria-controls={shown ? id : undefined}
        onFocus={() => setStop(n)}
        onClick={(event) => setOpen(shown ? null : { at, anchor: event.currentTarget })}
      >
        {text.slice(at.from, at.to)}
      </button>,
    );
    from = at.to;
  }
  parts.push(text.slice(from));
  return (
    <>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: keys of the addresses inside */}
      <span ref={place} onKeyDown={onKey}>
        {parts}
      </span>
      {open && (
        <MenuBox
          anchor={open.anchor}
          id={id}
          items={items(open.at.address, open.at.physical).map((item) => ({
            ...item,
            act: () => {
              if (OPENS.has(item.testId ?? "")) inspectorActions.open(true);
              item.act();
            },
          }))}
          onClose={(back) => {
            setOpen(null);
            if (back) open.anchor.focus();
          }}
        />
      )}
    </>
  );
}
const OPENS: ReadonlySet<string> = new Set(["go-memory", "go-code", "go-walk"]);

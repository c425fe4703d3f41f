// What the inspector shows: open or not (per browser), and for each machine the addresses that its panels stand at. Panels read it, links to addresses
// write it. `stamp` grows when a person changed the machine, so that panels of a paused one look again.

import { create } from "zustand";

/** Where a panel stands: an expression of the monitor ("$rip", "0xb8000"); physical addresses begin with "p:". */
export interface Places {
  readonly code: string;
  readonly memory: string;
  readonly walk: string;
  /** Not an address: a table, and the entry that is meant ("idt 48"). */
  readonly tables: string;
}
export type AddressPanel = keyof Places;
export interface Inspected extends Places {
  readonly stamp: number;
  /** Panel that shall come to the front, until the inspector has brought it there: it may not be open yet. */
  readonly wanted: { readonly panel: string } | null;
}
const fresh: Inspected = { code: "$rip", memory: "$rsp", walk: "$rip", tables: "gdt", stamp: 0, wanted: null };
const OPEN = "guesthouse.inspector";
const SHARE = "guesthouse.inspector.share";

interface InspectorState {
  readonly open: boolean;
  /** Part of the width that it takes. */
  readonly share: number;
  readonly machines: { readonly [id: string]: Inspected };
}
function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
export const useInspector = create<InspectorState>(() => ({ open: stored(OPEN) === "1", share: Math.min(0.85, Math.max(0.2, Number(stored(SHARE)) || 0.58)), machines: {} }));
const set = useInspector.setState;
const change = (id: string, what: (before: Inspected) => Partial<Inspected>) =>
  set((s) => {
    const before = s.machines[id] ?? fresh;
    return { machines: { ...s.machines, [id]: { ...before, ...what(before) } } };
  });
export const inspected = (s: InspectorState, id: string): Inspected => s.machines[id] ?? fresh;
export const inspectorActions = {
  open: (open: boolean) => {
    localStorage.setItem(OPEN, open ? "1" : "0");
    set({ open });
  },
  share: (share: number) => {
    const kept = Math.min(0.85, Math.max(0.2, share));
    localStorage.setItem(SHARE, kept.toFixed(3));
    set({ share: kept });
  },
  /** Puts a panel at an address, and in front. */
  show: (id: string, panel: AddressPanel, address: string) => change(id, () => ({ [panel]: address, wanted: { panel } })),
  /** Puts a panel in front. */
  front: (id: string, panel: string) => change(id, () => ({ wanted: { panel } })),
  brought: (id: string) => change(id, () => ({ wanted: null })),
  /** Puts a panel at an address where it is. */
  place: (id: string, panel: AddressPanel, address: string) => change(id, () => ({ [panel]: address })),
  touched: (id: string) => change(id, (b) => ({ stamp: b.stamp + 1 })),
} as const;

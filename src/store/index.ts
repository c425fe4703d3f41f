// What the screen shows, as zustand slices: machines, files and guests (as the controller tells), selection, notices, settings. No logic:
// changes come from the controller's Sink or are plain setters.

import { create } from "zustand";
import type { BenchProgram } from "../contract/assembly.ts";
import type { DomainConfig } from "../contract/domain.ts";
import type { Fault } from "../contract/schema.ts";
import { type ApplianceState, Controller, type ImportState, isAppliance, type MachineRow, type Offer, type Shared } from "../manager/controller.ts";
import type { Guest } from "../manager/guests.ts";
import type { ImageRow, SnapshotRow } from "../manager/library.ts";
import type { MachineClient } from "../manager/machine-client.ts";

export type { Guest, ImageRow, MachineClient, MachineRow, Offer, Shared, SnapshotRow };
export type Theme = "auto" | "light" | "dark";
export type Tab = "screen" | "serial" | "monitor" | "snapshots" | "settings";
/** A machine's id, the form for a new one, help, lessons, the assembly bench, or the start page. */
export type Selection = { readonly kind: "home" | "new" | "help" | "lessons" | "bench" } | { readonly kind: "machine"; readonly id: string };
export interface Notice {
  readonly key: number;
  readonly fault: Fault;
}

interface AppState {
  readonly machines: readonly MachineRow[];
  readonly images: readonly ImageRow[];
  readonly imports: { readonly [image: string]: ImportState };
  readonly appliances: readonly ApplianceState[];
  /** null while loading. */
  readonly guests: readonly Guest[] | null;
  readonly selection: Selection;
  readonly tabs: { readonly [machine: string]: Tab };
  readonly notices: readonly Notice[];
  readonly offer: Offer | null;
  /** The machine of the assembly bench, and a program that was brought to it. */
  readonly bench: { readonly machine: string | null; readonly brought: BenchProgram | null };
  /** What the form for a new machine starts from. */
  readonly draft: DomainConfig | null;
  readonly theme: Theme;
  /** Are the machines' speakers heard? */
  readonly sound: boolean;
  readonly language: string;
}
const THEME = "guesthouse.theme";
const SOUND = "guesthouse.sound";
const themes: readonly Theme[] = ["auto", "light", "dark"];

export const useApp = create<AppState>(() => ({
  machines: [],
  images: [],
  imports: {},
  appliances: [],
  guests: null,
  selection: { kind: "home" },
  tabs: {},
  notices: [],
  offer: null,
  draft: null,
  bench: { machine: null, brought: null },
  theme: themes.find((t) => t === localStorage.getItem(THEME)) ?? "auto",
  sound: localStorage.getItem(SOUND) !== "off",
  language: "en",
}));

let nextNotice = 1;
const set = useApp.setState;
export const actions = {
  select: (selection: Selection) => set({ selection }),
  newMachine: (draft: DomainConfig | null) => set({ draft, selection: { kind: "new" } }),
  tab: (machine: string, tab: Tab) => set((s) => ({ tabs: { ...s.tabs, [machine]: tab } })),
  fault: (fault: Fault) => set((s) => ({ notices: [...s.notices.filter((n) => n.fault.message !== fault.message), { key: nextNotice++, fault }].slice(-4) })),
  dismiss: (key: number) => set((s) => ({ notices: s.notices.filter((n) => n.key !== key) })),
  bench: (bench: Partial<AppState["bench"]>) => set((s) => ({ bench: { ...s.bench, ...bench } })),
  closeOffer: () => set({ offer: null }),
  language: (language: string) => set({ language }),
  theme: (theme: Theme) => {
    localStorage.setItem(THEME, theme);
    set({ theme });
  },
  sound: (sound: boolean) => {
    localStorage.setItem(SOUND, sound ? "on" : "off");
    set({ sound });
    controller.sound(sound);
  },
} as const;

export const controller = new Controller({
  machines: (machines) => set({ machines }),
  images: (images) => set({ images }),
  imports: (imports) => set({ imports }),
  appliances: (appliances) => set({ appliances }),
  guests: (guests) => set({ guests }),
  select: (id) => set({ selection: { kind: "machine", id } }),
  fault: actions.fault,
  offer: (offer) => set({ offer }),
}, useApp.getState().sound);

export { isAppliance };
export { type AddressPanel, inspected, inspectorActions, useInspector } from "./inspector.ts";
export { emptyConfig, fromCommandLine, withImage } from "../manager/forms.ts";
export { keepBenchFiles, keptBenchFiles } from "../manager/bench-files.ts";
export { saveAs } from "../manager/save-as.ts";
export { startAssembler } from "../manager/machine-client.ts";
export { storageUse } from "../manager/library.ts";

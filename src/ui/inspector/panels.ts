// The panels of the inspector: name, and what draws it, fetched when it is opened. To add one: a component in panels/, a row here, a text
// "insp.panel.NAME".

import type { Key } from "../../i18n/index.ts";
import { type Later, later } from "../later.tsx";

export interface PanelKind {
  readonly title: Key;
  readonly Component: Later<object>;
}
export const panels = {
  code: { title: "insp.panel.code", Component: later(() => import("./panels/Code.tsx")) },
  memory: { title: "insp.panel.memory", Component: later(() => import("./panels/Memory.tsx")) },
  walk: { title: "insp.panel.walk", Component: later(() => import("./panels/PageWalk.tsx")) },
  registers: { title: "insp.panel.registers", Component: later(() => import("./panels/Registers.tsx")) },
  breakpoints: { title: "insp.panel.breakpoints", Component: later(() => import("./panels/Breakpoints.tsx")) },
  dashboard: { title: "insp.panel.dashboard", Component: later(() => import("./panels/Dashboard.tsx")) },
  interrupts: { title: "insp.panel.interrupts", Component: later(() => import("./panels/Interrupts.tsx")) },
  dma: { title: "insp.panel.dma", Component: later(() => import("./panels/Dma.tsx")) },
  tlb: { title: "insp.panel.tlb", Component: later(() => import("./panels/Tlb.tsx")) },
  tables: { title: "insp.panel.tables", Component: later(() => import("./panels/Tables.tsx")) },
  ports: { title: "insp.panel.ports", Component: later(() => import("./panels/Ports.tsx")) },
  timeline: { title: "insp.panel.timeline", Component: later(() => import("./panels/Timeline.tsx")) },
  pci: { title: "insp.panel.pci", Component: later(() => import("./panels/Pci.tsx")) },
  map: { title: "insp.panel.map", Component: later(() => import("./panels/MemoryMap.tsx")) },
} as const satisfies { readonly [name: string]: PanelKind };
export type PanelName = keyof typeof panels;
export const panelNames = Object.keys(panels) as PanelName[];
export const isPanel = (name: string): name is PanelName => Object.hasOwn(panels, name);

// The panels of the inspector: name, and what draws it. To add one: a component in panels/, a row here, a text "insp.panel.NAME".

import type { ComponentType, LazyExoticComponent } from "react";
import type { Key } from "../../i18n/index.ts";
import Breakpoints from "./panels/Breakpoints.tsx";
import Code from "./panels/Code.tsx";
import Dashboard from "./panels/Dashboard.tsx";
import Dma from "./panels/Dma.tsx";
import Interrupts from "./panels/Interrupts.tsx";
import Memory from "./panels/Memory.tsx";
import MemoryMap from "./panels/MemoryMap.tsx";
import PageWalk from "./panels/PageWalk.tsx";
import Pci from "./panels/Pci.tsx";
import Ports from "./panels/Ports.tsx";
import Registers from "./panels/Registers.tsx";
import Tables from "./panels/Tables.tsx";
import Timeline from "./panels/Timeline.tsx";
import Tlb from "./panels/Tlb.tsx";

export interface PanelKind {
  readonly title: Key;
  readonly Component: ComponentType | LazyExoticComponent<ComponentType>;
}
export const panels = {
  code: { title: "insp.panel.code", Component: Code },
  memory: { title: "insp.panel.memory", Component: Memory },
  walk: { title: "insp.panel.walk", Component: PageWalk },
  registers: { title: "insp.panel.registers", Component: Registers },
  breakpoints: { title: "insp.panel.breakpoints", Component: Breakpoints },
  dashboard: { title: "insp.panel.dashboard", Component: Dashboard },
  interrupts: { title: "insp.panel.interrupts", Component: Interrupts },
  dma: { title: "insp.panel.dma", Component: Dma },
  tlb: { title: "insp.panel.tlb", Component: Tlb },
  tables: { title: "insp.panel.tables", Component: Tables },
  ports: { title: "insp.panel.ports", Component: Ports },
  timeline: { title: "insp.panel.timeline", Component: Timeline },
  pci: { title: "insp.panel.pci", Component: Pci },
  map: { title: "insp.panel.map", Component: MemoryMap },
} as const satisfies { readonly [name: string]: PanelKind };
export type PanelName = keyof typeof panels;
export const panelNames = Object.keys(panels) as PanelName[];
export const isPanel = (name: string): name is PanelName => Object.hasOwn(panels, name);

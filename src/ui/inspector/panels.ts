// The panels of the inspector: name, and what draws it. To add one: a component in panels/, a row here, a text "insp.panel.NAME".

import type { ComponentType, LazyExoticComponent } from "react";
import type { Key } from "../../i18n/index.ts";
import Breakpoints from "./panels/Breakpoints.tsx";
import Code from "./panels/Code.tsx";
import Registers from "./panels/Registers.tsx";

export interface PanelKind {
  readonly title: Key;
  readonly Component: ComponentType | LazyExoticComponent<ComponentType>;
}
export const panels = {
  code: { title: "insp.panel.code", Component: Code },
  registers: { title: "insp.panel.registers", Component: Registers },
  breakpoints: { title: "insp.panel.breakpoints", Component: Breakpoints },
} as const satisfies { readonly [name: string]: PanelKind };
export type PanelName = keyof typeof panels;
export const panelNames = Object.keys(panels) as PanelName[];
export const isPanel = (name: string): name is PanelName => Object.hasOwn(panels, name);

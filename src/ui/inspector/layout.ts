// Where the panels are: what the workspace of react-resizable-panels calls its model, kept per browser. A model that names panels we do not have (or not
// any more) is tidied when it is read.

import { normalizeWorkspaceModel, type WorkspaceModel, type WorkspaceModelInput } from "react-resizable-panels";
import { isPanel, type PanelName } from "./panels.ts";

const STORED = "guesthouse.inspector.layout";
export const tab = (id: PanelName) => ({ id, data: null });
export const firstLayout: WorkspaceModelInput = {
  version: 1,
  root: {
    type: "split", orientation: "vertical",
    children: [
      { type: "tabset", size: 52, tabs: [tab("code"), tab("memory"), tab("walk")], selectedId: "code" },
      { type: "tabset", size: 48, tabs: [tab("registers"), tab("breakpoints"), tab("dashboard")], selectedId: "registers" },
    ],
  },
} as WorkspaceModelInput;
export function readLayout(): WorkspaceModel | WorkspaceModelInput {
  try {
    const text = localStorage.getItem(STORED);
    const model = text === null ? null : normalizeWorkspaceModel(JSON.parse(text), { mapTab: (t) => (isPanel(t.id) ? { id: t.id, data: null } : null) });
    return model ?? firstLayout;
  } catch {
    // Somebody else wrote there: the first layout is right again.
    return firstLayout;
  }
}
export function keepLayout(model: WorkspaceModel): void {
  localStorage.setItem(STORED, JSON.stringify(model));
}

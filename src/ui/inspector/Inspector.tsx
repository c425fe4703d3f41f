// The glass box: panels over one machine that dock, split, float and are remembered, with the debugger's buttons above them. Fetched when somebody opens
// it; closed it does nothing at all. Everything goes through commands (look.ts) and the one trace bus.

import { Suspense, useCallback, useEffect, useMemo, useRef } from "react";
import { Separator, TabCloseButton, type TabNode, type TabRenderProps, useParentTabset, useParentTabsetState, useParentWorkspace, useWorkspaceRef, Workspace } from "react-resizable-panels";
import { inspected, inspectorActions, type MachineClient, type MachineRow, useInspector } from "../../store/index.ts";
import { Icon } from "../icons.tsx";
import { useText } from "../use-text.ts";
import { Controls, Standing } from "./Controls.tsx";
import "./inspector.css";
import { firstLayout, keepLayout, readLayout, tab } from "./layout.ts";
import { MachineContext } from "./look.ts";
import { Menu } from "./Menu.tsx";
import { isPanel, panelNames, panels } from "./panels.ts";

export default function Inspector({ row, client }: { readonly row: MachineRow; readonly client: MachineClient | null }) {
  const t = useText();
  const workspace = useWorkspaceRef();
  const model = useMemo(readLayout, []);
  const machine = useMemo(() => (client ? { row, client } : null), [row, client]);
  const wanted = useInspector((s) => inspected(s, row.id).wanted);
  const seen = useRef(wanted?.n ?? 0);
  const bring = useCallback(
    (name: string) => {
      const w = workspace.current;
      if (!w || !isPanel(name)) return;
      if (tabsOf(w.getModel()).includes(name)) w.selectTab(name);
      else w.addTab(tab(name));
    },
    [workspace],
  );
  useEffect(() => {
    if (!wanted || wanted.n === seen.current) return;
    seen.current = wanted.n;
    bring(wanted.panel);
  }, [wanted, bring]);
  const renderTab = useCallback(
    (node: TabNode, props: TabRenderProps) => (
      <div {...props} data-testid={`insp-tab-${node.id}`}>
        {isPanel(node.id) ? t(panels[node.id].title) : node.id}
        <TabCloseButton className="insp-x" aria-label={t("insp.closePanel")} title={t("insp.closePanel")}>
          <Icon name="close" />
        </TabCloseButton>
      </div>
    ),
    [t],
  );
  const renderContent = useCallback((node: TabNode) => {
    if (!isPanel(node.id)) return null;
    const { Component } = panels[node.id];
    return (
      <Suspense fallback={null}>
        <Component />
      </Suspense>
    );
  }, []);
  const renderToolbar = useCallback(() => <Toolbar />, []);
  return (
    <aside className="inspector" aria-label={t("insp.title")} data-testid="inspector">
      <header className="insp-head">
        <MachineContext value={machine}>{machine ? <Controls /> : <span className="spacer" />}</MachineContext>
        <Menu
          testId="insp-panels"
          items={() => {
            const open = workspace.current ? tabsOf(workspace.current.getModel()) : [];
            return [
              ...panelNames.map((name) => ({
                label: t(panels[name].title),
                checked: open.includes(name),
                testId: `panel-item-${name}`,
                act: () => (open.includes(name) ? workspace.current?.closeTab(name) : bring(name)),
              })),
              { label: t("insp.resetLayout"), act: () => void workspace.current?.setModel(firstLayout) },
            ];
          }}
        >
          {t("insp.panels")} ▾
        </Menu>
        <button type="button" className="icon-only quiet" aria-label={t("insp.close")} title={t("insp.close")} onClick={() => inspectorActions.open(false)} data-testid="insp-close">
          <Icon name="close" />
        </button>
      </header>
      {machine ? (
        <MachineContext value={machine}>
          <Standing />
          <Workspace
            className="insp-workspace"
            workspaceRef={workspace}
            defaultModel={model}
            onModelChanged={keepLayout}
            renderTab={renderTab}
            renderTabContent={renderContent}
            renderTabsetToolbar={renderToolbar}
            renderSeparator={() => <Separator className="insp-separator" aria-label={t("insp.separator")} />}
            renderEmptyTabset={() => <p className="hint insp-empty">{t("insp.empty")}</p>}
            hiddenTabBehavior="unmount"
            lazyTabContent
            tabsetMinWidth="220px"
            tabsetMinHeight="80px"
          />
        </MachineContext>
      ) : (
        <p className="hint insp-empty">{t("insp.noMachine")}</p>
      )}
    </aside>
  );
}
type Model = ReturnType<NonNullable<ReturnType<typeof useWorkspaceRef>["current"]>["getModel"]>;
type Node = Model["root"];
function tabsOf(model: Model): string[] {
  const inside = (node: Node): string[] => (node.type === "tabset" ? node.tabs.map((x) => x.id) : node.children.flatMap(inside));
  return [...inside(model.root), ...(model.floating ?? []).flatMap((f) => f.tabs.map((x) => x.id))];
}
/** What a group of tabs can do, by mouse and by keyboard; dragging tabs does the same. */
function Toolbar() {
  const t = useText();
  const set = useParentTabset();
  const state = useParentTabsetState();
  const workspace = useParentWorkspace();
  if (!set || !state || !workspace) return null;
  const selected = () => state.selectedTabId;
  const split = (region: "bottom" | "right") => {
    const id = selected();
    if (id) workspace.moveTab(id, { tabsetId: set.id, region });
  };
  return (
    <Menu
      className="icon-only quiet small"
      label={t("insp.arrange")}
      title={t("insp.arrange")}
      testId="insp-arrange"
      items={() => [
        { label: t("insp.splitRight"), act: () => split("right") },
        { label: t("insp.splitDown"), act: () => split("bottom") },
        ...(state.isFloating
          ? [{ label: t("insp.dock"), testId: "arrange-dock", act: () => workspace.moveTabset(set.id, { edge: "bottom" }) }]
          : [{ label: t("insp.float"), testId: "arrange-float", act: () => { const id = selected(); if (id) workspace.floatTab(id); } }]),
        ...(state.isFloating || state.isRoot ? [] : [{ label: state.isMaximized ? t("insp.restore") : t("insp.maximize"), act: () => (state.isMaximized ? workspace.restoreTabset() : workspace.maximizeTabset(set.id)) }]),
        { label: t("insp.closePanel"), act: () => { const id = selected(); if (id) workspace.closeTab(id); } },
      ]}
    >
      ⋯
    </Menu>
  );
}

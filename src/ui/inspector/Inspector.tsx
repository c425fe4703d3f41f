// The glass box: panels over one machine that dock, split, float and are remembered, with the debugger's buttons above them. Fetched when somebody opens
// it; closed it does nothing at all. Everything goes through commands (look.ts) and the one trace bus.

import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState } from "react";
import { Separator, type TabNode, type TabRenderProps, useParentTabset, useParentTabsetState, useParentWorkspace, useWorkspaceRef, Workspace } from "react-resizable-panels";
import { inspected, inspectorActions, type MachineClient, type MachineRow, useInspector } from "../../store/index.ts";
import { Icon } from "../icons.tsx";
import { Afterwards } from "../later.tsx";
import { whenIdle } from "../tasks.ts";
import { useText } from "../use-text.ts";
import { Controls, Standing } from "./Controls.tsx";
import "./inspector.css";
import { firstLayout, keepLayout, readLayout, tab } from "./layout.ts";
import { MachineContext, useMachine } from "./look.ts";
import { Menu } from "./Menu.tsx";
import { isPanel, type PanelName, panelNames, panels } from "./panels.ts";
import { closeWindow, openWindow, PanelWindow, rememberedWindows, windowOf } from "./windows.tsx";

/** Puts a panel into a window of its own. */
const PopOut = createContext<(name: string) => void>(() => {});

export default function Inspector({ row, client }: { readonly row: MachineRow; readonly client: MachineClient | null }) {
  const t = useText();
  const workspace = useWorkspaceRef();
  const model = useMemo(readLayout, []);
  const machine = useMemo(() => (client ? { row, client } : null), [row, client]);
  const wanted = useInspector((s) => inspected(s, row.id).wanted);
  /** Wanted before the workspace was there. */
  const early = useRef<string[]>([]);
  const bring = useCallback(
    (name: string) => {
      const w = workspace.current;
      if (!isPanel(name)) return;
      const there = windowOf(name);
      if (there) return there.focus();
      if (!w) {
        early.current.push(name);
        return;
      }
      if (tabsOf(w.getModel()).includes(name)) w.selectTab(name);
      else w.addTab(tab(name));
    },
    [workspace],
  );
  /** Panels in windows of their own. */
  const [out, setOut] = useState<readonly PanelName[]>([]);
  const [refused, setRefused] = useState(false);
  const dock = useCallback(
    (name: PanelName) => {
      closeWindow(name, true);
      setOut((all) => all.filter((one) => one !== name));
      bring(name);
    },
    [bring],
  );
  const popOut = useCallback(
    (name: string) => {
      if (!isPanel(name)) return;
      const done = openWindow(name);
      setRefused(!done);
      if (!done) return;
      setOut((all) => [...all.filter((one) => one !== name), name]);
      workspace.current?.closeTab(name);
    },
    [workspace],
  );
  // Those that were out come again with the inspector, as far as the browser lets them; they go with it.
  const docker = useRef(dock);
  docker.current = dock;
  useEffect(() => {
    const again = rememberedWindows();
    const opened = again.filter((name) => openWindow(name));
    setOut(opened);
    for (const name of again) if (!opened.includes(name)) docker.current(name);
    const leave = () => {
      for (const name of rememberedWindows()) closeWindow(name, false);
    };
    window.addEventListener("pagehide", leave);
    return () => {
      window.removeEventListener("pagehide", leave);
      leave();
    };
  }, []);
  // The panels that are not open yet come while nobody needs the thread, so that they are there without a network too.
  useEffect(() => whenIdle(...panelNames.map((name) => () => void panels[name].Component.fetch())), []);
  useEffect(() => {
    if (!wanted) return;
    bring(wanted.panel);
    inspectorActions.brought(row.id);
  }, [wanted, bring, row.id]);
  const renderTab = useCallback(
    (node: TabNode, props: TabRenderProps) => (
      <div {...props} data-testid={`insp-tab-${node.id}`}>
        {isPanel(node.id) ? t(panels[node.id].title) : node.id}
      </div>
    ),
    [t],
  );
  const renderContent = useCallback((node: TabNode) => (isPanel(node.id) ? <Panel name={node.id} /> : null), []);
  const renderToolbar = useCallback(() => <Toolbar />, []);
  return (
    <aside className="inspector" aria-label={t("insp.title")} data-testid="inspector">
      <header className="insp-head">
        <MachineContext value={machine}>{machine ? <Controls /> : <span className="spacer" />}</MachineContext>
        <Menu
          testId="insp-panels"
          items={() => {
            const open: readonly string[] = [...(workspace.current ? tabsOf(workspace.current.getModel()) : []), ...out];
            return [
              ...panelNames.map((name) => ({
                label: t(panels[name].title),
                checked: open.includes(name),
                testId: `panel-item-${name}`,
                act: () => (out.includes(name) ? dock(name) : open.includes(name) ? workspace.current?.closeTab(name) : bring(name)),
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
      {refused && (
        <p className="insp-fault" role="alert">
          {t("insp.windowRefused")}
        </p>
      )}
      {machine ? (
        <MachineContext value={machine}>
          <Standing />
          {out.map((name) => (
            <Out key={name} name={name} onClosed={dock} />
          ))}
          <PopOut value={popOut}>
          <Afterwards>
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
          <Begun tell={() => early.current.splice(0).forEach(bring)} />
          </Afterwards>
          </PopOut>
        </MachineContext>
      ) : (
        <p className="hint insp-empty">{t("insp.noMachine")}</p>
      )}
    </aside>
  );
}
function Begun({ tell }: { tell(): void }) {
  const told = useRef(tell);
  useEffect(() => told.current(), []);
  return null;
}
function Panel({ name }: { readonly name: PanelName }) {
  const { Component } = panels[name];
  return <Component />;
}
function Out({ name, onClosed }: { readonly name: PanelName; onClosed(name: PanelName): void }) {
  const t = useText();
  const closed = useCallback(() => onClosed(name), [name, onClosed]);
  const { row } = useMachine();
  return (
    <PanelWindow name={name} title={`${t(panels[name].title)} · ${row.config.name}`} onClosed={closed}>
      <Standing />
      <div className="insp-window-panel">
        <Panel name={name} />
      </div>
    </PanelWindow>
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
  const popOut = useContext(PopOut);
  if (!set || !state || !workspace) return null;
  const selected = () => state.selectedTabId;
  const split = (region: "bottom" | "right") => {
    const id = selected();
    if (id) workspace.moveTab(id, { tabsetId: set.id, region });
  };
  return (
    <>
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
        { label: t("insp.window"), testId: "arrange-window", act: () => { const id = selected(); if (id) popOut(id); } },
        ...(state.isFloating || state.isRoot ? [] : [{ label: state.isMaximized ? t("insp.restore") : t("insp.maximize"), act: () => (state.isMaximized ? workspace.restoreTabset() : workspace.maximizeTabset(set.id)) }]),
        { label: t("insp.closePanel"), act: () => { const id = selected(); if (id) workspace.closeTab(id); } },
      ]}
    >
      ⋯
    </Menu>
    <button type="button" className="icon-only quiet small" aria-label={t("insp.closePanel")} title={t("insp.closePanel")} onClick={() => { const id = selected(); if (id) workspace.closeTab(id); }} data-testid="insp-close-panel">
      <Icon name="close" />
    </button>
    </>
  );
}

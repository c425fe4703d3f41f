// Panels in windows of their own (a second screen, a projector): drawn by React through a portal into an empty window of this page, with its styles, theme
// and language. Which panels are out, and where, is kept per browser. The windows belong to the inspector: they go when it is closed, and come again with it
// where the browser lets them (it wants a click before each); otherwise the panel is docked. A window that a person closes docks its panel.
// Left out: a panel in a window stands still while the page itself is hidden, as all panels do.

import { type ReactNode, useEffect, useState } from "react";
import { createPortal } from "react-dom";
import { isPanel, type PanelName } from "./panels.ts";

const STORED = "guesthouse.inspector.windows";
interface Place {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}
const FIRST: Place = { left: 80, top: 80, width: 720, height: 560 };
type Places = { readonly [N in PanelName]?: Place };
function stored(): Places {
  try {
    const read = JSON.parse(localStorage.getItem(STORED) ?? "{}") as { readonly [name: string]: Partial<Place> | null };
    const number = (v: unknown, otherwise: number) => (typeof v === "number" && Number.isFinite(v) ? Math.round(v) : otherwise);
    return Object.fromEntries(Object.entries(read).flatMap(([name, p]) => (isPanel(name) && p ? [[name, { left: number(p.left, 80), top: number(p.top, 80), width: number(p.width, 720), height: number(p.height, 560) }]] : [])));
  } catch {
    return {};
  }
}
export const rememberedWindows = (): readonly PanelName[] => Object.keys(stored()) as PanelName[];
function remember(name: PanelName, place: Place | null): void {
  const { [name]: _, ...rest } = stored();
  localStorage.setItem(STORED, JSON.stringify(place ? { ...rest, [name]: place } : rest));
}
const open = new Map<PanelName, Window>();
export const windowOf = (name: PanelName): Window | null => open.get(name) ?? null;
/** Opens the window of a panel; false when the browser refuses. */
export function openWindow(name: PanelName): boolean {
  const place = stored()[name] ?? FIRST;
  const made = window.open("", "", `popup,left=${place.left},top=${place.top},width=${place.width},height=${place.height}`);
  if (!made) return false;
  open.set(name, made);
  remember(name, place);
  return true;
}
/** Closes it without forgetting it, or for good. */
export function closeWindow(name: PanelName, forget: boolean): void {
  const there = open.get(name);
  open.delete(name);
  if (forget) remember(name, null);
  there?.close();
}
const STEP_KEYS = new Set(["F8", "F10", "F11"]);

/** A panel in its window; `onClosed` when the person closed that. */
export function PanelWindow({ name, title, onClosed, children }: { readonly name: PanelName; readonly title: string; onClosed(): void; readonly children: ReactNode }) {
  const [body, setBody] = useState<HTMLElement | null>(null);
  useEffect(() => {
    const there = open.get(name);
    if (!there) return;
    const { document: other } = there;
    const base = other.createElement("base");
    base.href = document.baseURI;
    const copies = [...document.querySelectorAll('link[rel="stylesheet"], style')].map((e) => other.importNode(e, true));
    other.head.replaceChildren(base, ...copies);
    const copyLook = () => {
      for (const { name: attribute, value } of document.documentElement.attributes) other.documentElement.setAttribute(attribute, value);
      if (!document.documentElement.hasAttribute("data-theme")) other.documentElement.removeAttribute("data-theme");
    };
    copyLook();
    const theme = new MutationObserver(copyLook);
    theme.observe(document.documentElement, { attributes: true });
    // Styles of panels that are fetched later.
    const styles = new MutationObserver((changes) => {
      for (const { addedNodes } of changes) for (const node of addedNodes) if (node instanceof HTMLElement && node.matches('link[rel="stylesheet"], style')) other.head.append(other.importNode(node, true));
    });
    styles.observe(document.head, { childList: true });
    // The debugger's keys do here what they do in the page.
    const onKey = (event: KeyboardEvent) => {
      if (!STEP_KEYS.has(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      document.querySelector(".inspector")?.dispatchEvent(new KeyboardEvent("keydown", { key: event.key, shiftKey: event.shiftKey, bubbles: true }));
    };
    const onGone = () => {
      if (open.get(name) === there) onClosed();
    };
    const keep = () => open.get(name) === there && remember(name, { left: there.screenX, top: there.screenY, width: there.innerWidth, height: there.innerHeight });
    there.addEventListener("keydown", onKey);
    there.addEventListener("pagehide", onGone);
    there.addEventListener("resize", keep);
    const moved = setInterval(keep, 2000);
    setBody(other.body);
    return () => {
      theme.disconnect();
      styles.disconnect();
      clearInterval(moved);
      there.removeEventListener("keydown", onKey);
      there.removeEventListener("pagehide", onGone);
      there.removeEventListener("resize", keep);
    };
  }, [name, onClosed]);
  useEffect(() => {
    const other = open.get(name)?.document;
    if (other) other.title = title;
  }, [name, title]);
  return body && createPortal(<main className="inspector insp-window" aria-label={title}>{children}</main>, body);
}

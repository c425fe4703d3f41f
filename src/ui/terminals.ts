// One xterm per machine and serial port, kept outside React so that it goes on while another panel or machine is shown. A pump moves
// bytes from the rings to the terminals on every frame, and four times a second while the page is hidden.

import { nextLook, touch } from "./pace.ts";
import { inTasks } from "./tasks.ts";
import { FitAddon } from "@xterm/addon-fit";
import { type ITheme, Terminal } from "@xterm/xterm";
import type { MachineClient } from "../store/index.ts";

export interface SerialTerminal {
  readonly element: HTMLElement;
  readonly terminal: Terminal;
  /** Gives it its elements, once. */
  open(): void;
  fit(): void;
}
interface Entry extends SerialTerminal {
  client: MachineClient | null;
  readonly port: number;
  opened: boolean;
}
const entries = new Map<string, Entry>();
const MOST_PER_PUMP = 256 * 1024;
const PUMP_HIDDEN_MS = 250;
const BLINKING_MS = 10_000;
const theme: ITheme = {
  background: "#0d1117", foreground: "#e6edf3", cursor: "#2dd4bf", cursorAccent: "#0d1117", selectionBackground: "#264f78",
  black: "#484f58", red: "#ff7b72", green: "#56d364", yellow: "#e3b341", blue: "#79c0ff", magenta: "#d2a8ff", cyan: "#76e3ea", white: "#d0d7de",
  brightBlack: "#8b949e", brightRed: "#ffa198", brightGreen: "#7ee787", brightYellow: "#f2cc60", brightBlue: "#a5d6ff", brightMagenta: "#e2c5ff", brightCyan: "#b3f0ff", brightWhite: "#ffffff",
};

export function terminalFor(machine: string, port: number, client: MachineClient | null): SerialTerminal {
  const key = `${machine}/${port}`;
  let entry = entries.get(key);
  if (!entry) {
    const terminal = new Terminal({
      scrollback: 10_000, fontSize: 14, lineHeight: 1.15, theme, screenReaderMode: false, convertEol: false, cursorBlink: true,
      fontFamily: 'ui-monospace, "SFMono-Regular", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, "Noto Sans Mono CJK SC", monospace',
    });
    const fitting = new FitAddon();
    terminal.loadAddon(fitting);
    const element = document.createElement("div");
    element.className = "terminal-host";
    const made: Entry = {
      element,
      terminal,
      client,
      port,
      opened: false,
      open: () => {
        if (!made.opened) terminal.open(element);
        made.opened = true;
      },
      fit: () => {
        made.open();
        if (element.clientWidth > 40 && element.clientHeight > 20) fitting.fit();
      },
    };
    terminal.onData((text) => made.client?.sendSerial(port, text));
    terminal.onBinary((text) => made.client?.sendSerial(port, text));
    let chord = false;
    terminal.attachCustomKeyEventHandler((event) => {
      // Ctrl+Alt alone, pressed and released, leaves the terminal, as it leaves the screen: Tab belongs to the guest.
      if (event.code.startsWith("Control") || event.code.startsWith("Alt")) {
        if (event.type === "keydown") chord = event.ctrlKey && event.altKey;
        else if (chord) {
          chord = false;
          document.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus();
        }
        return true;
      }
      chord = false;
      if (event.type !== "keydown" || !event.ctrlKey || !event.shiftKey) return true;
      if (event.code === "KeyC") {
        event.preventDefault();
        void navigator.clipboard?.writeText(terminal.getSelection());
        return false;
      }
      return event.code !== "KeyV";
    });
    entries.set(key, made);
    entry = made;
  }
  if (entry.client !== client) {
    if (client && entry.client) entry.terminal.reset();
    entry.client = client;
  }
  return entry;
}
/** Lets every machine's serial output flow, shown or not. */
export function watchSerial(machine: string, client: MachineClient): void {
  startPump();
  // A terminal takes as long as the rest of a machine's view.
  client.serial.forEach((_, port) => inTasks(() => !client.closed && terminalFor(machine, port, client)));
}
export function forgetTerminals(machine: string): void {
  for (const [key, entry] of entries)
    if (key.startsWith(`${machine}/`)) {
      entry.terminal.dispose();
      entry.element.remove();
      entries.delete(key);
    }
}
/** A cursor that blinked for ten seconds over a still terminal stays on, as in VTE: each turn costs a browser a frame. */
let lastText = 0;
function keepBlinking(on: boolean): void {
  if (on) lastText = performance.now();
  const blink = on || performance.now() - lastText < BLINKING_MS;
  for (const { terminal } of entries.values()) if (terminal.options.cursorBlink !== blink) terminal.options.cursorBlink = blink;
}
function hasOutput(): boolean {
  for (const entry of entries.values()) if ((entry.client?.serial[entry.port]?.out.length ?? 0) > 0) return true;
  return false;
}
function pump(): void {
  for (const entry of entries.values()) {
    const ring = entry.client?.serial[entry.port]?.out;
    if (ring && ring.length > 0) {
      entry.terminal.write(ring.drain(MOST_PER_PUMP));
      touch();
      keepBlinking(true);
    }
  }
}
function onFrame(): void {
  pump();
  nextLook(onFrame, hasOutput);
}
let pumping = false;
function startPump(): void {
  if (pumping) return;
  pumping = true;
  nextLook(onFrame, hasOutput);
  let hidden: ReturnType<typeof setInterval> | undefined;
  const follow = () => {
    clearInterval(hidden);
    if (document.hidden) hidden = setInterval(pump, PUMP_HIDDEN_MS);
  };
  document.addEventListener("visibilitychange", follow);
  follow();
  setInterval(() => keepBlinking(false), BLINKING_MS / 2);
}

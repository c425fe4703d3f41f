// The guest's display: a canvas drawn from the shared frame when its sequence changed, the keyboard by physical keys, the mouse by pointer
// lock, full screen, and a hidden copy of text mode for screen readers and tests.

import { nextLook, touch } from "./pace.ts";
import { useCallback, useEffect, useRef, useState } from "react";
import { type MachineClient, type MachineRow, saveAs } from "../store/index.ts";
import { Icon } from "./icons.tsx";
import { scancodes } from "./scancodes.ts";
import { useText } from "./use-text.ts";

type Scale = "fit" | "1" | "2";
const TEXT_MS = 250;

/** Copies a whole frame out of shared memory, or null when it is being written. */
class FrameReader {
  readonly #header: Int32Array;
  readonly #pixels: Uint8ClampedArray;
  readonly #text: Uint16Array;
  #seen = -1;
  constructor(client: MachineClient) {
    const frame = client.frame;
    if (!frame) throw new Error("no frame");
    this.#header = new Int32Array(frame.header);
    this.#pixels = new Uint8ClampedArray(frame.pixels);
    this.#text = new Uint16Array(frame.text);
  }
  get news(): boolean {
    const sequence = Atomics.load(this.#header, 0);
    return sequence !== this.#seen && !(sequence & 1);
  }
  /** Tells the worker whether drawing is worth its while. */
  set watching(on: boolean) {
    Atomics.store(this.#header, 11, on ? 1 : 0);
  }
  /** The lines that changed since the last read, and where they belong. */
  read(): { readonly lines: ImageData; readonly at: number; readonly width: number; readonly height: number } | null {
    const before = Atomics.load(this.#header, 0);
    if (before === this.#seen || before & 1) return null;
    const width = this.#header[1] ?? 0;
    const height = this.#header[2] ?? 0;
    if (width === 0 || height === 0) return null;
    const whole = this.#seen === -1;
    const from = whole ? 0 : (this.#header[8] ?? 0);
    const to = whole ? height : (this.#header[9] ?? 0);
    if (to <= from || to > height) {
      // Text alone changed, or another frame is just being written over this one.
      if (Atomics.load(this.#header, 0) === before) this.#seen = before;
      return null;
    }
    const lines = new ImageData(width, to - from);
    lines.data.set(this.#pixels.subarray(from * width * 4, to * width * 4));
    if (Atomics.load(this.#header, 0) !== before) return null;
    this.#seen = before;
    Atomics.store(this.#header, 10, before);
    return { lines, at: from, width, height };
  }
  text(): string {
    if (!this.#header[3]) return "";
    const columns = this.#header[4] ?? 0;
    const rows = this.#header[5] ?? 0;
    const lines: string[] = [];
    for (let y = 0; y < rows; y++) lines.push(String.fromCharCode(...this.#text.subarray(y * columns, (y + 1) * columns)).replaceAll("\0", " ").trimEnd());
    return lines.join("\n").trimEnd();
  }
  get isText(): boolean {
    return this.#header[3] === 1;
  }
}

export function Screen({ row, client, shown }: { readonly row: MachineRow; readonly client: MachineClient | null; readonly shown: boolean }) {
  const t = useText();
  const canvas = useRef<HTMLCanvasElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 720, height: 400 });
  const [room, setRoom] = useState({ width: 0, height: 0 });
  const [scale, setScale] = useState<Scale>("fit");
  const [focused, setFocused] = useState(false);
  const [captured, setCaptured] = useState(false);
  const [text, setText] = useState("");
  const [hasPicture, setHasPicture] = useState(false);
  const down = useRef(new Set<number>());
  const chord = useRef(false);
  const buttons = useRef(0);
  const moved = useRef({ dx: 0, dy: 0 });

  // ---- picture
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new session means new shared memory behind the same client
  useEffect(() => {
    setHasPicture(false);
    setText("");
    if (!client?.frame || !shown) return;
    const reader = new FrameReader(client);
    let cancel = () => {};
    let changedAt = 0;
    let textAt = 0;
    let last = "";
    let textTimer: ReturnType<typeof setTimeout> | undefined;
    const showText = (now: number) => {
      textAt = now;
      const next = reader.text();
      if (next !== last) {
        last = next;
        setText(next);
      }
    };
    const news = () => reader.news || moved.current.dx !== 0 || moved.current.dy !== 0;
    const draw = (now: number) => {
      cancel = nextLook(draw, news);
      if (moved.current.dx || moved.current.dy) {
        client.pointer(moved.current.dx, -moved.current.dy, 0, buttons.current);
        moved.current = { dx: 0, dy: 0 };
      }
      const image = reader.read();
      if (image && canvas.current) {
        if (now - changedAt < 120) touch();
        changedAt = now;
        const target = canvas.current;
        if (target.width !== image.width || target.height !== image.height) {
          target.width = image.width;
          target.height = image.height;
          setSize({ width: image.width, height: image.height });
        }
        target.getContext("2d", { alpha: false })?.putImageData(image.lines, 0, image.at);
        setHasPicture(true);
        clearTimeout(textTimer);
        if (now - textAt > TEXT_MS) showText(now);
        else textTimer = setTimeout(() => showText(performance.now()), TEXT_MS);
      }
    };
    reader.watching = true;
    client.poke();
    cancel = nextLook(draw, news);
    return () => {
      reader.watching = false;
      clearTimeout(textTimer);
      cancel();
    };
  }, [client, shown, row.session]);

  // ---- room for "fit"
  useEffect(() => {
    const element = stage.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setRoom({ width: entry.contentRect.width, height: entry.contentRect.height });
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const fit = Math.min(room.width / size.width, room.height / size.height) || 1;
  const factor = scale === "fit" ? snap(Math.min(fit, 4)) : Number(scale);

  // ---- keyboard
  const releaseAll = useCallback(() => {
    for (const code of down.current) client?.key(code, false);
    down.current.clear();
    chord.current = false;
  }, [client]);
  const letGo = () => {
    releaseAll();
    if (document.pointerLockElement) document.exitPointerLock();
    canvas.current?.blur();
    document.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus();
  };
  const onKey = (event: React.KeyboardEvent, isDown: boolean) => {
    const code = scancodes.get(event.code);
    // The page keeps the browser's own shortcuts only where it cannot take them.
    event.preventDefault();
    event.stopPropagation();
    if (event.code.startsWith("Control") || event.code.startsWith("Alt")) {
      if (isDown) chord.current = event.ctrlKey && event.altKey;
      else if (chord.current) {
        letGo();
        return;
      }
    } else chord.current = false;
    if (code === undefined || !client) return;
    if (isDown) down.current.add(code);
    else down.current.delete(code);
    client.key(code, isDown);
  };

  // ---- mouse
  useEffect(() => {
    const change = () => setCaptured(document.pointerLockElement === canvas.current && canvas.current !== null);
    document.addEventListener("pointerlockchange", change);
    return () => document.removeEventListener("pointerlockchange", change);
  }, []);
  const onMouse = (event: React.MouseEvent) => {
    if (!captured) return;
    buttons.current = event.buttons & 7;
    client?.pointer(0, 0, 0, buttons.current);
  };
  useEffect(() => {
    const target = canvas.current;
    if (!target) return;
    const wheel = (event: WheelEvent) => {
      if (document.pointerLockElement !== target) return;
      event.preventDefault();
      client?.pointer(0, 0, Math.sign(event.deltaY), buttons.current);
    };
    target.addEventListener("wheel", wheel, { passive: false });
    return () => target.removeEventListener("wheel", wheel);
  }, [client]);

  const off = row.state === "off" || row.state === "opening" || row.state === "crashed";
  return (
    <div className="panel screen-panel" id={`screen-${row.id}`}>
      <div className="stage" ref={stage} data-focused={focused}>
        {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: the guest takes every key, which is what "application" says */}
        <canvas
          ref={canvas}
          data-testid="screen"
          tabIndex={0}
          role="application"
          aria-label={t("screen.label")}
          aria-describedby="screen-hint"
          width={720}
          height={400}
          style={{ width: Math.round(size.width * factor), height: Math.round(size.height * factor), visibility: hasPicture ? "visible" : "hidden" }}
          onKeyDown={(e) => onKey(e, true)}
          onKeyUp={(e) => onKey(e, false)}
          onFocus={() => setFocused(true)}
          onBlur={() => {
            setFocused(false);
            releaseAll();
          }}
          onMouseDown={onMouse}
          onMouseUp={onMouse}
          onMouseMove={(e) => {
            if (!captured) return;
            moved.current = { dx: moved.current.dx + e.movementX, dy: moved.current.dy + e.movementY };
          }}
          onContextMenu={(e) => e.preventDefault()}
        />
        {off && !hasPicture && (
          <p className="stage-note">{row.state === "opening" ? t("screen.opening") : t("screen.off")}</p>
        )}
        {row.state === "paused" && <p className="stage-badge">{t("state.paused")}</p>}
      </div>
      <div className="panel-bar">
        <span id="screen-hint" className="hint">
          {captured ? t("screen.hintCaptured") : focused ? t("screen.hintFocused") : t("screen.hint")}
        </span>
        <button type="button" className="quiet" disabled={off} onClick={() => void lockPointer(canvas.current)}>
          <Icon name="mouse" />
          {t("screen.capture")}
        </button>
        <label className="inline">
          {t("screen.scale")}
          <select value={scale} onChange={(e) => setScale(e.target.value as Scale)} data-testid="scale">
            <option value="fit">{t("screen.scaleFit")}</option>
            <option value="1">{t("screen.scale1")}</option>
            <option value="2">{t("screen.scale2")}</option>
          </select>
        </label>
      </div>
      <section className="visually-hidden" aria-label={t("screen.textLabel")}>
        <pre data-testid="screen-text" translate="no">
          {text}
        </pre>
      </section>
    </div>
  );
}
/** Whole pixels of the display look crisp: taken when they cost less than a quarter of the size. */
function snap(factor: number): number {
  const pixels = factor * devicePixelRatio;
  const whole = Math.floor(pixels);
  return whole >= 1 && whole / pixels >= 0.75 ? whole / devicePixelRatio : factor;
}
async function lockPointer(target: HTMLCanvasElement | null): Promise<void> {
  target?.focus();
  try {
    await target?.requestPointerLock();
  } catch {
    // Refused when asked again too soon after release: the person can click again.
  }
}
export async function fullScreen(machine: string): Promise<void> {
  const panel = document.getElementById(`screen-${machine}`)?.querySelector<HTMLElement>(".stage");
  if (!panel) return;
  await panel.requestFullscreen();
  panel.querySelector("canvas")?.focus();
  // Chromium: Esc, Alt+Tab and the like go to the guest as well.
  await (navigator as { keyboard?: { lock?(): Promise<void> } }).keyboard?.lock?.().catch(() => undefined);
}
export function screenshot(machine: string, name: string): void {
  const canvas = document.getElementById(`screen-${machine}`)?.querySelector("canvas");
  canvas?.toBlob((blob) => {
    if (blob) saveAs(blob, `${name}.png`);
  }, "image/png");
}

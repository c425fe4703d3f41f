// The assembly bench: the source at the left with what the assembler says and the registers, the machine that runs it at the right. The source is
// assembled when typing pauses; it runs only when somebody says so, each time on a fresh machine that is not kept. The last source stays in the browser.

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { type Hang, hangOf } from "../../bench/hang.ts";
import { benchMachine, DISK, diskOf, DONE, ENTRY, loaderOf, requestOf } from "../../bench/program.ts";
import { addressOf, type AssembledRow, type Assembly, BENCH_MODES, type BenchMode, type BenchProgram, rowAt } from "../../contract/assembly.ts";
import { breathe } from "../../contract/breathe.ts";
import type { DebugStop } from "../../contract/debug.ts";
import { type Fault, faultOf, type Reply } from "../../contract/schema.ts";
import { TraceReader } from "../../contract/trace.ts";
import { type Fatal, fatalOf, type Shutdown } from "../../contract/shutdown.ts";
import { actions, controller, keepBenchFiles, keptBenchFiles, type MachineClient, type MachineRow, startAssembler, useApp } from "../../store/index.ts";
import { BENCH_MODE_NAMES } from "../Dialogs.tsx";
import { FaultLine } from "../inspector/Editable.tsx";
import "../inspector/inspector.css";
import { MachineContext } from "../inspector/look.ts";
import Registers from "../inspector/panels/Registers.tsx";
import { Icon } from "../icons.tsx";
import MachineView from "../MachineView.tsx";
import { type T, useLanguage, useText } from "../use-text.ts";
import { FileList, Link, type SourceFiles, Standing, type Stop } from "./BenchParts.tsx";
import "./bench.css";
import type { Editor } from "./editor.ts";

interface Example {
  readonly id: string;
  readonly mode: BenchMode;
  readonly title: { readonly [language: string]: string };
}
const KEPT = "guesthouse.bench";
const TYPING_MS = 350;
const LOOK_MS = 400;
/** A line that loops by itself (REP, a macro) is left after so many steps. */
const MOST_STEPS = 500;
/** Back to another line; each step is executed again from a checkpoint. */
const MOST_STEPS_BACK = 200;
const MOST_BYTES = 8;
/** Of exceptions and handlers, the newest: enough to see a program go round. */
const LAST_EVENTS = 64;
const firstProgram = (t: T): BenchProgram => ({ mode: "flat32", source: `; ${t("bench.first.what")}\n        mov eax, 6\n        imul eax, 7             ; EAX = 42\n        ret                     ; ${t("bench.first.back")}\n` });

function kept(first: BenchProgram): BenchProgram {
  try {
    const { mode, source } = JSON.parse(localStorage.getItem(KEPT) ?? "null") as BenchProgram;
    return BENCH_MODES.includes(mode) && typeof source === "string" ? { mode, source } : first;
  } catch {
    return first;
  }
}
/** Behind the bench's machine as it is now: a restart has another. */
function machineNow(): MachineClient | null {
  const { machine } = useApp.getState().bench;
  return machine === null ? null : controller.client(machine);
}
const hexOf = (rows: readonly AssembledRow[], bytes: Uint8Array): Map<number, string> => {
  const lines = new Map<number, string>();
  for (const { line, offset, length, address } of rows) {
    if (offset === null || lines.has(line)) continue;
    const shown = [...bytes.subarray(offset, offset + Math.min(length, MOST_BYTES))].map((b) => b.toString(16).padStart(2, "0")).join(" ");
    lines.set(line, `${address.toString(16).padStart(5, "0")}  ${shown}${length > MOST_BYTES ? " …" : ""}`);
  }
  return lines;
};

export default function Bench({ row }: { readonly row: MachineRow | null }) {
  const t = useText();
  const language = useLanguage();
  const first = useMemo(() => firstProgram(t), [t]);
  const brought = useApp((s) => s.bench.brought);
  const [mode, setMode] = useState<BenchMode>(() => kept(first).mode);
  const [source, setSource] = useState(() => kept(first).source);
  const [examples, setExamples] = useState<readonly Example[]>([]);
  const [assembly, setAssembly] = useState<Assembly | null>(null);
  const [fault, setFault] = useState<Fault | null>(null);
  const [busy, setBusy] = useState(false);
  const [showBytes, setShowBytes] = useState(true);
  const [link, setLink] = useState<string | null>(null);
  const [stop, setStop] = useState<Stop | null>(null);
  const [files, setFiles] = useState<SourceFiles>(new Map());
  useEffect(() => {
    // Those that somebody added meanwhile are the newer ones.
    void keptBenchFiles().then((kept) => kept.size > 0 && setFiles((now) => new Map([...kept, ...now])));
  }, []);
  const changeFiles = (next: SourceFiles) => {
    setFiles(next);
    void keepBenchFiles(next).catch((error: unknown) => setFault(faultOf(error)));
  };
  const [fatal, setFatal] = useState<Fatal | null>(null);
  const [hang, setHang] = useState<Hang | null>(null);
  /** What the machine runs: its rows, and the source they are of. */
  const [loaded, setLoaded] = useState<{ readonly rows: readonly AssembledRow[]; readonly source: string; readonly mode: BenchMode } | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const wanted = useRef<readonly number[]>([]);
  /** Breakpoints of the bench in the machine: their lines' addresses and numbers. */
  const placed = useRef(new Map<number, number>());
  const assembler = useMemo(startAssembler, []);
  const client = row ? controller.client(row.id) : null;
  const on = row !== null && (row.state === "running" || row.state === "paused");
  const running = row?.state === "running";
  const paused = row?.state === "paused";
  /** A triple fault ended it: it stands as it was, and one can go back. */
  const down = row?.state === "off" && row.reason === "shutdown";
  const stale = loaded !== null && (loaded.source !== source || loaded.mode !== mode);

  const ended = paused && loaded !== null && loaded.mode !== "boot" && stop !== null && Number(stop.address) >= DONE && Number(stop.address) < DONE + 4;
  /** Somebody is in the middle of a run that is the source's: going on is what comes next. */
  const between = paused && !stale && !ended;

  // ---- the editor ----------------------------------------------------------------------------------------------------
  const deeds = useRef({ run: () => {}, step: () => {}, back: () => {} });
  const now = useRef(source);
  now.current = source;
  const [ready, setReady] = useState(false);
  // Fetched and made after the rest of the bench is there.
  // biome-ignore lint/correctness/useExhaustiveDependencies: made once; a new language gives its labels when the bench is opened again
  useEffect(() => {
    let over = false;
    void import("./editor.ts").then(
      async ({ createEditor }) => {
        await breathe();
        if (over) return;
        editor.current = createEditor(box.current as HTMLElement, now.current, t("bench.editor"), "bench-keys", {
          changed: setSource,
          breakpoints: (lines) => {
            wanted.current = lines;
            void placeBreakpoints();
          },
          run: () => deeds.current.run(),
          step: () => deeds.current.step(),
          back: () => deeds.current.back(),
        });
        setReady(true);
      },
      (error: unknown) => setFault(faultOf(error)),
    );
    return () => {
      over = true;
      editor.current?.close();
      editor.current = null;
    };
  }, []);
  useEffect(() => {
    void fetch(new URL("./bench/index.json", document.baseURI))
      .then((r) => r.json() as Promise<readonly Example[]>)
      .then(setExamples, (error: unknown) => setFault(faultOf(error)));
    return () => {
      assembler.close();
      const { machine } = useApp.getState().bench;
      actions.bench({ machine: null });
      if (machine !== null) void controller.remove(machine);
    };
  }, [assembler]);
  useEffect(() => {
    if (!brought) return;
    setMode(brought.mode);
    if (editor.current) editor.current.replace(brought.source);
    else setSource(brought.source);
    actions.bench({ brought: null });
  }, [brought]);

  // ---- assembling ----------------------------------------------------------------------------------------------------
  const take = useCallback((reply: Reply<Assembly>): Assembly | null => {
    setBusy(false);
    setFault(reply.ok ? null : reply.error);
    setAssembly(reply.ok ? reply.value : null);
    return reply.ok ? reply.value : null;
  }, []);
  useEffect(() => {
    let over = false;
    const timer = setTimeout(async () => {
      try {
        localStorage.setItem(KEPT, JSON.stringify({ mode, source }));
      } catch {
        // A browser that keeps nothing: the bench works without.
      }
      setBusy(true);
      const reply = await assembler.assemble(requestOf(mode, source, files));
      if (!over) take(reply);
    }, TYPING_MS);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [assembler, mode, source, files, take]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: an editor that was not there then shows them now
  useEffect(() => editor.current?.messages(assembly?.messages ?? []), [assembly, ready]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the same
  useEffect(() => editor.current?.bytes(showBytes && assembly?.bytes ? hexOf(assembly.rows, assembly.bytes) : null), [showBytes, assembly, ready]);

  // ---- the machine ---------------------------------------------------------------------------------------------------
  /** The rows of what the machine runs. */
  const live = useRef<readonly AssembledRow[]>([]);
  const placeBreakpoints = useCallback(async () => {
    const rows = live.current;
    const machine = machineNow();
    if (!machine || machine.closed) return;
    const addresses = new Set(wanted.current.flatMap((line) => addressOf(rows, line)?.address ?? []));
    for (const [address, id] of placed.current)
      if (!addresses.has(address)) {
        placed.current.delete(address);
        await machine.execute("delete", { id });
      }
    for (const address of addresses) {
      if (placed.current.has(address)) continue;
      placed.current.set(address, 0);
      const reply = await machine.execute("break", { what: `0x${address.toString(16)}` });
      if (reply.ok) placed.current.set(address, (reply.value as { readonly id: number }).id);
      else placed.current.delete(address);
    }
  }, []);
  const begin = async (stepping: boolean): Promise<void> => {
    setBusy(true);
    const text = editor.current?.source() ?? source;
    const program = take(await assembler.assemble(requestOf(mode, text, files)));
    if (!program?.bytes) return;
    try {
      const request = loaderOf(mode, program);
      const loader = request && (await assembler.assemble(request));
      if (loader && !loader.ok) return setFault(loader.error);
      const disk = diskOf(mode, program, loader?.value ?? null);
      setStop(null);
      setFatal(null);
      setHang(null);
      editor.current?.current(null);
      const started = await controller.startPassing(useApp.getState().bench.machine, benchMachine(mode), { [DISK]: disk }, true, false);
      if (typeof started !== "string") return setFault(started);
      actions.bench({ machine: started });
      const machine = controller.client(started);
      if (!machine) return;
      live.current = program.rows;
      placed.current.clear();
      setLoaded({ rows: program.rows, source: text, mode });
      const names = program.symbols.map(({ name, address }) => `${address.toString(16).padStart(8, "0")} t ${name}`).join("\n");
      // The inspector and the monitor know the program's labels; the past is kept from its first instruction; under SeaBIOS a program that goes round in
      // an exception can be told from one that runs.
      for (const [name, args] of [...(names ? [["symbols", { file: "bench.asm", content: names }]] : []), ["record", {}], ...(mode === "boot" ? [["trace on", { kinds: "cpu.exception,cpu.handler", filter: "" }]] : [])] as [string, { readonly [a: string]: unknown }][]) {
        const reply = await machine.execute(name, args);
        if (!reply.ok) return setFault(reply.error);
      }
      if (mode !== "boot") await machine.execute("break", { what: `0x${DONE.toString(16)}` });
      await placeBreakpoints();
      if (stepping) await machine.execute("tbreak", { what: `0x${ENTRY[mode].toString(16)}` });
      const went = await machine.execute("cont");
      if (!went.ok) setFault(went.error);
    } catch (error) {
      setFault(faultOf(error));
    }
  };
  const look = useCallback(async (): Promise<Stop | null> => {
    const rows = live.current;
    const machine = machineNow();
    if (!machine || machine.closed) return null;
    const reply = await machine.execute("info registers");
    if (!reply.ok) return null;
    const { linearIp } = reply.value as { readonly linearIp: bigint };
    return { address: linearIp, line: rowAt(rows, Number(linearIp))?.line ?? null };
  }, []);
  const put = useCallback((next: Stop | null) => setStop((was) => (was?.address === next?.address ? was : next)), []);
  /** Steps until another line is reached. */
  const step = async (command: "nexti" | "stepi"): Promise<void> => {
    if (!on) return begin(true);
    const machine = machineNow();
    if (!machine || !paused) return;
    const from = (await look())?.line ?? null;
    for (let n = 0; n < MOST_STEPS; n++) {
      const reply = await machine.execute(command);
      if (!reply.ok) return setFault(reply.error);
      const now = await look();
      put(now);
      const { stop: why } = reply.value as { readonly stop: DebugStop | null };
      if (now === null || now.line === null || now.line !== from || why?.reason === "breakpoint") return;
    }
  };
  /** Back until another line is reached, or the beginning. */
  const back = async (): Promise<void> => {
    const machine = machineNow();
    if (!machine || !(paused || down)) return;
    const from = (await look())?.line ?? null;
    for (let n = 0; n < MOST_STEPS_BACK; n++) {
      const reply = await machine.execute("reverse-stepi");
      if (!reply.ok) return setFault(reply.error);
      const now = await look();
      put(now);
      const { stop: why } = reply.value as { readonly stop: DebugStop | null };
      if (now === null || (now.line !== null && now.line !== from) || why?.reason === "start") return;
    }
  };
  deeds.current = { run: () => void begin(false), step: () => void step("nexti"), back: () => void back() };
  useEffect(() => {
    if (!paused) {
      setStop(null);
      return;
    }
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = async () => {
      const now = await look();
      if (over) return;
      put(now);
      timer = setTimeout(again, LOOK_MS);
    };
    void again();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [paused, look, put]);
  const state = row?.state;
  const reason = row?.reason;
  useEffect(() => {
    if (state !== "off" || reason !== "shutdown") return;
    let over = false;
    void machineNow()
      ?.execute("info shutdown")
      .then((reply) => !over && reply.ok && reply.value !== null && setFatal(fatalOf(reply.value as Shutdown)));
    return () => {
      over = true;
    };
  }, [state, reason]);
  const runsBoot = running && loaded?.mode === "boot";
  useEffect(() => {
    const buffer = machineNow()?.trace;
    if (!runsBoot || !buffer) return setHang(null);
    const reader = new TraceReader(buffer);
    let end = reader.end;
    const timer = setInterval(() => {
      // What stands in the ring since the last look is old.
      const next = reader.end === end ? null : hangOf(reader.recent(LAST_EVENTS));
      end = reader.end;
      setHang((was) => (was?.address === next?.address && was?.vector === next?.vector ? was : next));
    }, LOOK_MS);
    return () => clearInterval(timer);
  }, [runsBoot]);
  const lineOf = (at: { readonly address: number } | null) => (at && loaded ? (rowAt(loaded.rows, at.address)?.line ?? null) : null);
  const fatalLine = lineOf(fatal);
  const hangLine = lineOf(hang);
  const line = stale ? null : running ? hangLine : down ? fatalLine : (stop?.line ?? null);
  useEffect(() => editor.current?.current(line), [line]);

  // --------------------------------------------------------------------------------------------------------------------
  const openExample = async (id: string): Promise<void> => {
    const example = examples.find((e) => e.id === id);
    if (!example || (source.trim() !== "" && source !== first.source && !confirm(t("bench.exampleAsk")))) return;
    try {
      const response = await fetch(new URL(`./bench/${language === "zh-CN" ? "zh-CN/" : ""}${id}.asm`, document.baseURI));
      editor.current?.replace(await response.text());
      setMode(example.mode);
    } catch (error) {
      setFault(faultOf(error));
    }
  };
  const mistakes = assembly?.messages.filter((m) => m.severity === "error").length ?? 0;
  return (
    <div className="bench" data-testid="bench">
      <section className="bench-work" aria-label={t("bench.title")}>
        <header className="bench-head">
          <h2>{t("bench.title")}</h2>
          <label className="inline">
            <span>{t("bench.mode")}</span>
            <select value={mode} onChange={(e) => setMode(e.target.value as BenchMode)} data-testid="bench-mode">
              {BENCH_MODES.map((m) => (
                <option key={m} value={m}>
                  {t(BENCH_MODE_NAMES[m])}
                </option>
              ))}
            </select>
          </label>
          <select className="bench-examples" aria-label={t("bench.examples")} value="" onChange={(e) => void openExample(e.target.value)} data-testid="bench-examples">
            <option value="">{t("bench.examples")}</option>
            {examples.map((e) => (
              <option key={e.id} value={e.id} translate="no">
                {e.title[language] ?? e.title.en}
              </option>
            ))}
          </select>
          <FileList files={files} change={changeFiles} t={t} />
        </header>
        <div className="bench-tools" role="toolbar" aria-label={t("bench.title")}>
          <button type="button" className={between ? "" : "primary"} onClick={() => void begin(false)} data-testid="bench-run">
            <Icon name="play" />
            {t("bench.run")}
          </button>
          {running ? (
            <button type="button" onClick={() => void client?.execute("stop")} data-testid="bench-pause">
              <Icon name="pause" />
              {t("bench.pause")}
            </button>
          ) : (
            <button type="button" className={between ? "primary" : ""} disabled={!paused || ended} onClick={() => void client?.execute("cont")} data-testid="bench-resume">
              <Icon name="play" />
              {t("bench.resume")}
            </button>
          )}
          <button type="button" disabled={running} onClick={() => void step("nexti")} data-testid="bench-step">
            <Icon name="stepOver" />
            {t("bench.step")}
          </button>
          <button type="button" disabled={running} onClick={() => void step("stepi")} data-testid="bench-into">
            <Icon name="stepIn" />
            {t("bench.stepInto")}
          </button>
          <button type="button" disabled={!paused && !down} onClick={() => void back()} data-testid="bench-back">
            <Icon name="stepBack" />
            {t("bench.stepBack")}
          </button>
          <button type="button" aria-pressed={showBytes} onClick={() => setShowBytes(!showBytes)} data-testid="bench-bytes">
            {t("bench.bytes")}
          </button>
          <button type="button" onClick={() => void controller.shareProgram({ mode, source }).then(setLink)} data-testid="bench-share">
            <Icon name="link" />
            {t("bench.share")}
          </button>
        </div>
        <p className="hint bench-about">{t(({ boot: "bench.about.boot", flat32: "bench.about.flat32", flat64: "bench.about.flat64" } as const)[mode])}</p>
        <div className="bench-editor" ref={box} />
        <p className="hint bench-keys" id="bench-keys">
          {t("bench.keys")}
        </p>
        <div className="bench-said" role="status" data-testid="bench-said" data-errors={mistakes} data-busy={busy}>
          <p>
            {busy ? t("bench.assembling") : mistakes > 0 ? t("bench.errors", { count: mistakes }) : assembly?.bytes ? t("bench.good", { bytes: assembly.bytes.length.toLocaleString() }) : ""}
            {row && <Standing row={row} stop={stop} stale={stale} ended={ended} fatal={fatal} fatalLine={fatalLine} hang={hang} hangLine={hangLine} t={t} />}
          </p>
          <FaultLine fault={fault} />
          <ul>
            {assembly?.messages.map((m) => (
              <li key={`${m.line} ${m.message}`} data-kind={m.severity}>
                <button type="button" className="quiet" disabled={m.line === null} onClick={() => m.line !== null && editor.current?.go(m.line)} data-testid="bench-message">
                  {m.line !== null && <strong>{t("bench.line", { line: m.line })} </strong>}
                  {t(m.severity === "error" ? "bench.error" : "bench.warning")}: <span translate="no">{m.message}</span>
                </button>
              </li>
            ))}
          </ul>
        </div>
        {row && client && (on || down) && (
          <section className="bench-state inspector" aria-label={t("bench.state")}>
            <MachineContext.Provider value={{ row, client }}>
              <Registers />
            </MachineContext.Provider>
          </section>
        )}
      </section>
      {row ? (
        <MachineView key={row.id} row={row} />
      ) : (
        <div className="bench-empty">
          <p className="hint">{t("bench.machine")}</p>
        </div>
      )}
      {link !== null && <Link link={link} files={files.size > 0} onClose={() => setLink(null)} t={t} />}
    </div>
  );
}

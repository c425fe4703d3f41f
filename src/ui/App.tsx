// The frame of the page: header with language and theme, list of machines and guests at the left, the selected machine or the start page
// in the middle, notices on top. Files can be dropped anywhere.

import { useEffect, useState } from "react";
import { isOn } from "../contract/machine.ts";
import type { Key, Language } from "../i18n/index.ts";
import { rememberLanguage } from "../i18n/index.ts";
import { actions, controller, emptyConfig, isAppliance, type Theme, useApp, withImage } from "../store/index.ts";
import { Badge } from "./Badge.tsx";
import { OfferDialog } from "./Dialogs.tsx";
import { Home } from "./Home.tsx";
import { Icon } from "./icons.tsx";
import { MachineForm } from "./MachineForm.tsx";
import { later } from "./later.tsx";
import { Notices } from "./Notices.tsx";
import { tagOf, useLanguage, useText } from "./use-text.ts";

/** Fetched when somebody opens them: Help and its table, lessons, the assembly bench. */
const Help = later(() => import("./Help.tsx"));
const Lessons = later(() => import("./lessons/Lessons.tsx"));
const Bench = later(() => import("./bench/Bench.tsx"));
const LessonPanel = later(() => import("./lessons/LessonPanel.tsx"));
/** A machine with its terminals: fetched when the page has nothing else to do (main.tsx). */
export const MachineView = later(() => import("./MachineView.tsx"));

const themeKeys: { readonly [T in Theme]: Key } = { auto: "theme.auto", light: "theme.light", dark: "theme.dark" };

export function App() {
  const t = useText();
  const language = useLanguage();
  const { machines, selection, theme, draft, bench } = useApp();
  const [listOpen, setListOpen] = useState(false);
  const dropping = useDrop();
  const selected = selection.kind === "machine" ? machines.find((m) => m.id === selection.id) : undefined;

  useEffect(() => {
    document.documentElement.lang = tagOf(language);
    document.documentElement.dataset.theme = theme;
    document.title = selected ? `${selected.config.name} · Guesthouse` : "Guesthouse";
  }, [language, theme, selected]);
  useEffect(() => {
    const running = machines.some((m) => isOn(m.state) && !m.passing);
    if (!running) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [machines]);
  useEffect(() => {
    const wanted = new URLSearchParams(location.search).get("lesson");
    if (wanted !== null) void import("./lessons/session.ts").then(({ openLesson }) => openLesson(wanted, new URLSearchParams(location.search).get("step")));
  }, []);
  const kept = machines.filter((m) => !m.passing);
  const loading = <p className="hint">{t("help.loading")}</p>;
  const inBench = selection.kind === "bench";
  const inLesson = selected?.passing === true;
  /** From the bench or a lesson, which have the width for themselves, to the machines. */
  const leave = async () => {
    if (inLesson) await (await import("./lessons/session.ts")).closeLesson();
    actions.select({ kind: "home" });
  };
  const go = (what: () => void) => {
    what();
    setListOpen(false);
  };
  return (
    <div className="app" data-lesson={inLesson || inBench || undefined}>
      <a className="skip" href="#main">
        {t("app.skip")}
      </a>
      <header className="top">
        <button type="button" className="icon-only quiet menu-button" aria-expanded={listOpen} aria-controls="list" aria-label={t("app.menu")} onClick={() => setListOpen(!listOpen)}>
          <Icon name="menu" />
        </button>
        <h1>
          <img src="./icon.svg" alt="" width="26" height="26" />
          <span translate="no">Guesthouse</span>
        </h1>
        {inBench || inLesson ? (
          <button type="button" className="back" onClick={() => void leave()} data-testid="back">
            <Icon name="home" />
            {t("app.back")}
          </button>
        ) : (
          <span className="tagline">{t("app.tagline")}</span>
        )}
        <span className="spacer" />
        <label className="inline">
          <span className="visually-hidden">{t("app.language")}</span>
          <select
            value={language}
            aria-label={t("app.language")}
            data-testid="language"
            onChange={(e) => {
              rememberLanguage(e.target.value as Language);
              actions.language(e.target.value);
            }}
          >
            <option value="en" translate="no">
              English
            </option>
            <option value="zh-CN" translate="no">
              简体中文
            </option>
            {language === "qps" && (
              <option value="qps" translate="no">
                Keys
              </option>
            )}
          </select>
        </label>
        <label className="inline">
          <span className="visually-hidden">{t("app.theme")}</span>
          <select value={theme} aria-label={t("app.theme")} onChange={(e) => actions.theme(e.target.value as Theme)} data-testid="theme">
            {(Object.keys(themeKeys) as Theme[]).map((name) => (
              <option key={name} value={name}>
                {t(themeKeys[name])}
              </option>
            ))}
          </select>
        </label>
      </header>
      <nav id="list" className="list" data-open={listOpen} aria-label={t("list.label")}>
        <button type="button" className="entry" aria-current={selection.kind === "home"} onClick={() => go(() => actions.select({ kind: "home" }))}>
          <Icon name="home" />
          {t("list.home")}
        </button>
        <h2>{t("list.machines")}</h2>
        {kept.length === 0 && <p className="hint">{t("list.none")}</p>}
        <ul data-testid="machines">
          {kept.map((m) => (
            <li key={m.id}>
              <button type="button" className="entry tall" aria-current={selected?.id === m.id} onClick={() => go(() => actions.select({ kind: "machine", id: m.id }))}>
                <span className="entry-name" translate="no">
                  {m.config.name}
                </span>
                <Badge row={m} />
              </button>
            </li>
          ))}
        </ul>
        <button type="button" className="entry add" aria-current={selection.kind === "new"} onClick={() => go(() => actions.newMachine(null))} data-testid="new-machine">
          <Icon name="plus" />
          {t("list.new")}
        </button>
        <button type="button" className="entry" aria-current={selection.kind === "lessons" || inLesson} onClick={() => go(() => actions.select({ kind: "lessons" }))} data-testid="lessons-open">
          <Icon name="lesson" />
          {t("lesson.list")}
        </button>
        <button type="button" className="entry" aria-current={inBench} onClick={() => go(() => actions.select({ kind: "bench" }))} data-testid="bench-open">
          <Icon name="monitor" />
          {t("bench.title")}
        </button>
        <button type="button" className="entry" aria-current={selection.kind === "help"} onClick={() => go(() => actions.select({ kind: "help" }))} data-testid="help-open">
          <Icon name="help" />
          {t("help.title")}
        </button>
      </nav>
      <main id="main" tabIndex={-1}>
        {inBench ? (
          <Bench row={machines.find((m) => m.id === bench.machine) ?? null} waiting={loading} />
        ) : selected && inLesson ? (
          <div className="lesson-split">
            <LessonPanel />
            <MachineView key={selected.id} row={selected} />
          </div>
        ) : selected ? (
          <MachineView key={selected.id} row={selected} />
        ) : selection.kind === "lessons" ? (
          <Lessons waiting={loading} />
        ) : selection.kind === "new" ? (
          <div className="scroll">
            <h2>{t("form.newTitle")}</h2>
            <MachineForm
              key={draft ? JSON.stringify(draft) : "empty"}
              initial={draft ?? emptyConfig(t("form.newName"))}
              isNew
              onSave={(config, start) => void (start ? controller.addAndStart(config) : controller.add(config))}
            />
          </div>
        ) : selection.kind === "help" ? (
          <Help waiting={loading} />
        ) : (
          <Home />
        )}
      </main>
      <Notices />
      <OfferDialog />
      {dropping && <div className="drop">{t("app.drop")}</div>}
    </div>
  );
}
/** Files dropped anywhere go to the library, and the first becomes a new machine's form. */
function useDrop(): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const enter = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = async (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(false);
      const files = [...(event.dataTransfer?.files ?? [])];
      if (files.some((f) => isAppliance(f.name))) {
        const domain = await controller.addAppliance(files);
        if (domain) actions.newMachine(domain);
        return;
      }
      let config = emptyConfig((files[0]?.name ?? "").replace(/\.\w+$/, ""));
      let any = false;
      for (const file of files) {
        const row = await controller.addFile(file);
        if (!row) continue;
        config = withImage(config, row);
        any = true;
      }
      if (any) actions.newMachine(config);
    };
    const dropListener = (event: DragEvent) => void drop(event);
    addEventListener("dragover", enter);
    addEventListener("dragleave", leave);
    addEventListener("drop", dropListener);
    return () => {
      removeEventListener("dragover", enter);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", dropListener);
    };
  }, []);
  return over;
}

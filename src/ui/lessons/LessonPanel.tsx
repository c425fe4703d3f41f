// The text beside the machine: one step at a time, what the lesson sees, the answer's field, hints, "show me", results. Everything is reachable by
// keyboard, and what changes is said to screen readers.

import { useEffect, useRef, useState } from "react";
import { asksAnswer } from "../../lessons/format.ts";
import { textOf } from "../../lessons/read.ts";
import { passedCount } from "../../lessons/results.ts";
import { faultText } from "../../i18n/index.ts";
import { Icon } from "../icons.tsx";
import { type T, useLanguage, useText } from "../use-text.ts";
import "./lessons.css";
import { Markdown } from "./Markdown.tsx";
import { closeLesson, exportResults, lessonActions, useLesson } from "./session.ts";

type Open = { readonly [K in "lesson" | "state"]: NonNullable<ReturnType<typeof useLesson.getState>[K]> };

export default function LessonPanel() {
  const { lesson, state } = useLesson();
  return lesson && state ? <Panel lesson={lesson} state={state} /> : null;
}
function Panel({ lesson, state }: Open) {
  const t = useText();
  const language = useLanguage();
  const text = textOf(lesson, language === "qps" ? "en" : language);
  const heading = useRef<HTMLHeadingElement>(null);
  const end = useRef<HTMLDivElement>(null);
  const { step, passed, busy } = state;
  const section = text.steps[step];
  const record = state.progress.steps[lesson.steps[step]?.id ?? ""];
  const hints = Math.min(record?.hints ?? 0, section?.hints.length ?? 0);
  const all = passedCount(lesson, state.progress) === lesson.steps.length;
  const last = step === lesson.steps.length - 1;
  const program = Object.entries(lesson.sources)[0];
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new step begins at its heading
  useEffect(() => {
    heading.current?.scrollIntoView({ block: "nearest" });
    heading.current?.focus({ preventScroll: true });
  }, [step]);
  useEffect(() => {
    if (passed) end.current?.scrollIntoView({ block: "nearest" });
  }, [passed]);
  return (
    <article className="lesson" aria-label={text.title} data-testid="lesson">
      <header className="lesson-head">
        <h2 translate="no">{text.title}</h2>
        <button type="button" className="icon-only quiet" aria-label={t("lesson.close")} title={t("lesson.close")} onClick={() => void closeLesson()} data-testid="lesson-close">
          <Icon name="close" />
        </button>
      </header>
      <nav aria-label={t("lesson.steps")}>
        <ol className="lesson-steps">
          {lesson.steps.map((one, n) => {
            const done = state.progress.steps[one.id]?.passedAt != null;
            const label = t("lesson.stepN", { n: n + 1, of: lesson.steps.length, title: language === "qps" ? "" : (text.steps[n]?.title ?? "") });
            return (
              <li key={one.id}>
                <button type="button" aria-current={n === step ? "step" : undefined} data-done={done} aria-label={done ? `${label}, ${t("lesson.stepPassed")}` : label} title={label} onClick={() => lessonActions.go(n)} data-testid={`lesson-step-${one.id}`}>
                  {done ? <Icon name="check" /> : <span translate="no">{n + 1}</span>}
                </button>
              </li>
            );
          })}
        </ol>
      </nav>
      <div className="lesson-text">
        {step === 0 && (
          <div translate="no">
            <Markdown tokens={text.body} />
          </div>
        )}
        <h3 ref={heading} tabIndex={-1} translate="no">
          {section?.title}
        </h3>
        <div translate="no">
          <Markdown tokens={section?.body ?? []} />
        </div>
        {section?.hints.slice(0, hints).map((hint) => (
          <aside key={hint.title} className="lesson-hint" translate="no" data-testid="lesson-hint-text">
            <h4>{hint.title}</h4>
            <Markdown tokens={hint.body} />
          </aside>
        ))}
        {asksAnswer(lesson.steps[step] as (typeof lesson.steps)[number]) && !passed && <Answer key={step} open={busy === null} shown={busy === "showing"} />}
        <Standing state={state} t={t} />
        {passed &&
          section?.after.map((after) => (
            <section key={after.title} className="lesson-after" translate="no">
              <h4>{after.title}</h4>
              <Markdown tokens={after.body} />
            </section>
          ))}
        <div className="row lesson-actions" ref={end}>
          {passed && !last && (
            <button type="button" className="primary" onClick={() => lessonActions.go(step + 1, true)} data-testid="lesson-next">
              {t("lesson.next")}
            </button>
          )}
          {!passed && hints < (section?.hints.length ?? 0) && (
            <button type="button" onClick={() => lessonActions.hint()} data-testid="lesson-hint">
              <Icon name="help" />
              {hints === 0 ? t("lesson.hint") : t("lesson.hintMore")}
            </button>
          )}
          {!passed && (
            <button type="button" disabled={busy !== null} onClick={() => lessonActions.show()} data-testid="lesson-show">
              <Icon name="play" />
              {t("lesson.showMe")}
            </button>
          )}
          <button type="button" className="quiet" disabled={busy !== null} onClick={() => lessonActions.restart()} data-testid="lesson-restart">
            <Icon name="reset" />
            {t("lesson.restart")}
          </button>
        </div>
        {all && <p className="lesson-finish">{t("lesson.finish")}</p>}
        {program && (
          <details className="lesson-program">
            <summary>{t("lesson.program")}</summary>
            <pre translate="no">{program[1]}</pre>
          </details>
        )}
        <Results />
      </div>
    </article>
  );
}
function Answer({ open, shown }: { readonly open: boolean; readonly shown: boolean }) {
  const t = useText();
  const [answer, setAnswer] = useState("");
  const value = shown ? lessonActions.answer() : answer;
  return (
    <form
      className="lesson-answer"
      onSubmit={(e) => {
        e.preventDefault();
        if (answer.trim() !== "") lessonActions.hand(answer);
      }}
    >
      <label>
        {t("lesson.answer")}
        <input value={value} readOnly={shown} onChange={(e) => setAnswer(e.target.value)} spellCheck={false} autoComplete="off" autoCapitalize="off" data-testid="lesson-answer" aria-describedby="lesson-answer-hint" />
      </label>
      <button type="submit" disabled={!open} data-testid="lesson-hand">
        {t("lesson.hand")}
      </button>
      <p id="lesson-answer-hint" className="hint">
        {t("lesson.answerHint")}
      </p>
    </form>
  );
}
/** What the lesson is doing or sees, in one line. */
function Standing({ state, t }: { readonly state: Open["state"]; readonly t: T }) {
  const language = useLanguage();
  const { busy, passed, refused, checked, action, fault } = state;
  const holds = checked.filter((c) => c.holds).length;
  const words = () => {
    if (fault) {
      const { sentence, hint } = faultText(language, fault);
      return `${sentence} ${hint ?? ""}`;
    }
    if (busy === "opening") return t("lesson.opening");
    if (busy === "catching-up") return t("lesson.catchingUp");
    if (busy === "showing" && action) return `${t("lesson.showing")} ${actionText(action, t)}`;
    if (passed) return t("lesson.passed");
    if (refused) return t("lesson.refused");
    if (checked.length > 0) return t("lesson.waiting", { holds, of: checked.length });
    return t("lesson.watching");
  };
  return (
    <p className="lesson-standing" role="status" data-kind={fault || refused ? "bad" : passed ? "good" : busy ? "busy" : "watching"} data-testid="lesson-standing" data-passed={passed}>
      {passed && <Icon name="check" />}
      {words()}
    </p>
  );
}
function actionText(action: NonNullable<Open["state"]["action"]>, t: T): string {
  switch (action.kind) {
    case "monitor":
      return action.of;
    case "keys":
      return t("lesson.action.keys", { what: action.of });
    case "serial":
      return t("lesson.action.serial", { what: action.of.trim() });
    case "answer":
      return t("lesson.action.answer", { what: action.of });
    case "panel":
      return t("lesson.action.panel");
    default:
      return t("lesson.action.until");
  }
}
function Results() {
  const t = useText();
  const [name, setName] = useState("");
  return (
    <details className="lesson-results">
      <summary>{t("lesson.results")}</summary>
      <form
        className="row"
        onSubmit={(e) => {
          e.preventDefault();
          void exportResults(name);
        }}
      >
        <label className="inline">
          {t("lesson.student")}
          <input value={name} onChange={(e) => setName(e.target.value)} autoComplete="name" data-testid="lesson-student" />
        </label>
        <button type="submit" data-testid="lesson-save">
          <Icon name="file" />
          {t("lesson.save")}
        </button>
      </form>
    </details>
  );
}

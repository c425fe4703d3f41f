// The list of lessons, with what this browser remembers of each, and a lesson from a file.

import { useEffect } from "react";
import { Icon } from "../icons.tsx";
import { useLanguage, useText } from "../use-text.ts";
import "./lessons.css";
import { keptProgress, loadCatalogue, openLesson, openLessonFile, useLesson } from "./session.ts";

export default function Lessons() {
  const t = useText();
  const language = useLanguage();
  const catalogue = useLesson((s) => s.catalogue);
  useEffect(() => void loadCatalogue(), []);
  return (
    <div className="scroll home">
      <h2>{t("lesson.list")}</h2>
      <p className="lessons-intro">{t("lesson.intro")}</p>
      <ol className="lesson-rows" data-testid="lessons">
        {catalogue?.map((row) => {
          const kept = keptProgress(row.id);
          return (
            <li key={row.id} className="card lesson-row" data-testid={`lesson-${row.id}`}>
              <div>
                <h3 className="lesson-name" translate="no">{row.title[language] ?? row.title.en}</h3>
                <p className="hint">
                  {t("lesson.minutes", { minutes: row.minutes })}
                  {kept && kept.passed > 0 && <span className="good"> · {t("lesson.done", { passed: kept.passed, of: row.steps })}</span>}
                </p>
              </div>
              <button type="button" className="primary" onClick={() => void openLesson(row.id)} data-testid="lesson-begin">
                <Icon name="play" />
                {kept ? t("lesson.goOn") : t("lesson.begin")}
              </button>
            </li>
          );
        })}
      </ol>
      <label className="button">
        <Icon name="file" />
        {t("lesson.load")}
        <input
          type="file"
          accept=".zip,.yaml,.yml"
          className="visually-hidden"
          data-testid="lesson-file"
          onChange={(e) => {
            const [file] = e.target.files ?? [];
            e.target.value = "";
            if (file) void openLessonFile(file);
          }}
        />
      </label>
      <p className="hint">{t("lesson.loadHint")}</p>
    </div>
  );
}

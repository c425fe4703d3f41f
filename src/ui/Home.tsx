// The start page: ready guests to start with one click, and what one can do without them.

import { actions, controller, type Guest, isAppliance, useApp } from "../store/index.ts";
import { Files } from "./Files.tsx";
import { Icon } from "./icons.tsx";
import { bytesText, useLanguage, useText } from "./use-text.ts";

export function Home() {
  const t = useText();
  const guests = useApp((s) => s.guests);
  return (
    <div className="scroll home">
      <div className="hero">
        <h2>{t("home.title")}</h2>
        <p>{t("home.text")}</p>
        <p>
          <button type="button" onClick={() => actions.select({ kind: "lessons" })} data-testid="home-lessons">
            <Icon name="lesson" />
            {t("home.lessons")}
          </button>{" "}
          <button type="button" onClick={() => actions.select({ kind: "bench" })} data-testid="home-bench">
            <Icon name="monitor" />
            {t("home.bench")}
          </button>
        </p>
      </div>
      <h3>{t("home.guests")}</h3>
      {guests === null && <p className="hint">{t("home.loading")}</p>}
      {guests?.length === 0 && (
        <div className="callout" data-testid="no-guests">
          <p>{t("home.noGuests")}</p>
          <p>
            <code translate="no">npm run images</code>
          </p>
        </div>
      )}
      <ul className="cards">
        {guests?.map((guest) => (
          <GuestCard key={guest.id} guest={guest} />
        ))}
        <li className="card guest-card">
          <h4>{t("home.newTitle")}</h4>
          <p>{t("home.newText")}</p>
          <div className="row">
            <button type="button" onClick={() => actions.newMachine(null)}>
              <Icon name="plus" />
              {t("home.new")}
            </button>
          </div>
        </li>
      </ul>
      <h3>{t("home.files")}</h3>
      <p className="hint">{t("home.filesHint")}</p>
      <Files />
      <label className="button">
        <Icon name="file" />
        {t("home.addFile")}
        <input
          type="file"
          multiple
          className="visually-hidden"
          data-testid="add-file"
          onChange={(e) => {
            const files = [...(e.target.files ?? [])];
            e.target.value = "";
            if (files.some((f) => isAppliance(f.name))) void controller.addAppliance(files).then((domain) => domain && actions.newMachine(domain));
            else for (const file of files) void controller.addFile(file);
          }}
        />
      </label>
    </div>
  );
}
function GuestCard({ guest }: { readonly guest: Guest }) {
  const t = useText();
  const language = useLanguage();
  const tongue = language === "zh-CN" ? "zh" : "en";
  return (
    <li className="card guest-card" data-testid={`guest-${guest.id}`}>
      <h4 translate="no">{guest.title[tongue]}</h4>
      <p translate="no">{guest.summary[tongue]}</p>
      <p className="hint">{t("home.size", { size: bytesText(guest.sizeBytes), memory: guest.config.memoryMiB })}</p>
      <div className="row">
        <button type="button" className="primary" onClick={() => void controller.addAndStart({ ...guest.config, name: guest.title[tongue] })} data-testid="guest-start">
          <Icon name="play" />
          {t("home.start")}
        </button>
        <button type="button" onClick={() => actions.newMachine({ ...guest.config, name: guest.title[tongue] })}>
          {t("home.customise")}
        </button>
      </div>
    </li>
  );
}

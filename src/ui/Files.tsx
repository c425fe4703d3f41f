// Files of the library on the start page: import with progress, pause and resume; use, rename, export in any format, delete; new disks; how much storage is used.

import { useEffect, useRef, useState } from "react";
import { actions, controller, emptyConfig, type ImageRow, saveAs, storageUse, useApp, withImage } from "../store/index.ts";
import { Icon } from "./icons.tsx";
import { ImgShell } from "./ImgShell.tsx";
import { bytesText, useText } from "./use-text.ts";

const FORMATS = ["raw", "qcow2", "vmdk", "vdi", "vpc", "vhdx"] as const;
const ENDINGS: { readonly [format: string]: string } = { raw: "img", vpc: "vhd" };

export function Files() {
  const t = useText();
  const images = useApp((s) => s.images);
  const appliances = useApp((s) => s.appliances);
  const [use, setUse] = useState<Awaited<ReturnType<typeof storageUse>> | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again when the files changed
  useEffect(() => void storageUse().then(setUse), [images]);
  return (
    <>
      {images.length + appliances.length > 0 && (
        <ul className="files">
          {appliances.map(({ name, part }) => (
            <ApplianceRow key={`appliance ${name}`} name={name} part={part} />
          ))}
          {images.map((image) => (image.arriving ? <ArrivingRow key={image.id} image={image} /> : <FileRow key={image.id} image={image} />))}
        </ul>
      )}
      <NewDisk />
      <ImgShell />
      {use !== null && use.quota > 0 && <p className="hint">{t("files.use", { used: bytesText(use.used), quota: bytesText(use.quota) })}</p>}
    </>
  );
}
function FileRow({ image }: { readonly image: ImageRow }) {
  const t = useText();
  const [busy, setBusy] = useState(false);
  const save = async (format: string) => {
    setBusy(true);
    const blob = await controller.exportFile(image.id, format === "same" ? "" : format);
    setBusy(false);
    if (!blob) return;
    saveAs(blob, format === "same" ? image.name : `${image.name.replace(/\.\w+$/, "")}.${ENDINGS[format] ?? format}`);
  };
  return (
    <li data-name={image.name}>
      <Icon name="disk" />
      <input className="quiet file-name" defaultValue={image.name} aria-label={t("files.rename")} translate="no" onBlur={(e) => e.target.value !== image.name && void controller.renameFile(image.id, e.target.value)} />
      <span className="hint" translate="no">
        {bytesText(image.size)}
      </span>
      <span className="spacer" />
      <button type="button" className="quiet" onClick={() => actions.newMachine(withImage(emptyConfig(image.name.replace(/\.\w+$/, "")), image))}>
        {t("home.useFile")}
      </button>
      <select
        value=""
        disabled={busy}
        aria-label={t("files.export")}
        data-testid="export"
        onChange={(e) => void save(e.target.value)}
      >
        <option value="" disabled>
          {busy ? t("files.exporting") : t("files.export")}
        </option>
        <option value="same">{t("files.same")}</option>
        {FORMATS.map((f) => (
          <option key={f} value={f} translate="no">
            {f}
          </option>
        ))}
      </select>
      <button type="button" className="icon-only quiet" aria-label={t("home.removeFile")} title={t("home.removeFile")} onClick={() => void controller.removeFile(image.id)}>
        <Icon name="trash" />
      </button>
    </li>
  );
}
/** A machine of another program on its way: its hashes are checked, its files stored, its packed disks written anew. */
function ApplianceRow({ name, part }: { readonly name: string; readonly part: number }) {
  const t = useText();
  return (
    <li data-name={name} data-testid="appliance">
      <Icon name="disk" />
      <span className="file-name" translate="no">
        {name}
      </span>
      <progress value={part} max={1} aria-label={t("files.arriving", { name })} data-testid="appliance-progress" />
      <span className="hint">{`${Math.floor(part * 100)} %`}</span>
    </li>
  );
}
/** A file on its way: how far it is, pause, resume. After a reload the person chooses the same file once more. */
function ArrivingRow({ image }: { readonly image: ImageRow }) {
  const t = useText();
  const here = useApp((s) => s.imports[image.id]);
  const file = useRef<HTMLInputElement>(null);
  const bytes = here?.bytes ?? image.arriving?.bytes ?? 0;
  return (
    <li data-name={image.name} data-testid="arriving">
      <Icon name="disk" />
      <span className="file-name" translate="no">
        {image.name}
      </span>
      <progress value={bytes} max={image.size} aria-label={t("files.arriving", { name: image.name })} data-testid="import-progress" />
      <span className="hint">{t("files.arrived", { done: bytesText(bytes), size: bytesText(image.size) })}</span>
      <span className="spacer" />
      {here?.running ? (
        <button type="button" onClick={() => controller.pauseImport(image.id)} data-testid="import-pause">
          <Icon name="pause" />
          {t("files.pause")}
        </button>
      ) : (
        <>
          <button type="button" className={here ? "" : "attention"} onClick={() => (here ? void controller.resumeImport(image.id) : file.current?.click())} data-testid="import-resume">
            <Icon name="play" />
            {here ? t("files.resume") : t("files.chooseAgain")}
          </button>
          <input
            ref={file}
            type="file"
            hidden
            data-testid="import-file"
            onChange={(e) => {
              const chosen = e.target.files?.[0];
              e.target.value = "";
              if (chosen) void controller.resumeImport(image.id, chosen);
            }}
          />
          <button type="button" className="icon-only quiet" aria-label={t("home.removeFile")} title={t("home.removeFile")} onClick={() => void controller.removeFile(image.id)}>
            <Icon name="trash" />
          </button>
        </>
      )}
    </li>
  );
}
function NewDisk() {
  const t = useText();
  const [mib, setMib] = useState(256);
  const [format, setFormat] = useState("qcow2");
  return (
    <form
      className="row"
      onSubmit={(e) => {
        e.preventDefault();
        void controller.newDisk(`disk-${mib}M.${ENDINGS[format] ?? format}`, format, mib);
      }}
    >
      <input type="number" min={1} max={1 << 20} value={mib} onChange={(e) => setMib(Number(e.target.value))} aria-label={t("files.size")} />
      <span className="hint" translate="no">
        MiB
      </span>
      <select value={format} onChange={(e) => setFormat(e.target.value)} aria-label={t("files.format")} translate="no">
        {FORMATS.map((f) => (
          <option key={f} value={f}>
            {f}
          </option>
        ))}
      </select>
      <button type="submit" disabled={!(mib >= 1)} data-testid="new-disk">
        <Icon name="plus" />
        {t("files.new")}
      </button>
    </form>
  );
}

// The form of a machine, new or existing: a face of DomainConfig. What it does not show (further devices, RTC base) it keeps as it is.
// A QEMU command line can be pasted; what we cannot do is refused with a sentence.

import { useId, useRef, useState } from "react";
import type { DomainConfig } from "../contract/domain.ts";
import type { Fault } from "../contract/schema.ts";
import { actions, controller, fromCommandLine, useApp } from "../store/index.ts";
import { Icon } from "./icons.tsx";
import { FaultBox } from "./Notices.tsx";
import { bytesText, useText } from "./use-text.ts";

type Disk = DomainConfig["disks"][number];
const places = ["ide0-master", "ide0-slave", "ide1-master", "ide1-slave", "floppy0", "floppy1"] as const;
const placeKey = {
  "ide0-master": "form.at.ide0-master", "ide0-slave": "form.at.ide0-slave", "ide1-master": "form.at.ide1-master", "ide1-slave": "form.at.ide1-slave", floppy0: "form.at.floppy0", floppy1: "form.at.floppy1",
} as const;
/** As the domain's schema says. */
const MOST_MEMORY_MIB = 3584;
const models = ["qemu64", "Nehalem", "max"];

export interface FormProps {
  readonly initial: DomainConfig;
  readonly disabled?: boolean;
  readonly isNew: boolean;
  onSave(config: DomainConfig, start: boolean): void;
}
export function MachineForm({ initial, disabled = false, isNew, onSave }: FormProps) {
  const t = useText();
  const images = useApp((s) => s.images);
  const [config, setConfig] = useState(initial);
  const [memory, setMemory] = useState(String(initial.memoryMiB));
  const [line, setLine] = useState("");
  const [refused, setRefused] = useState<Fault | null>(null);
  const [filled, setFilled] = useState(false);
  const change = (more: Partial<DomainConfig>) => setConfig((c) => ({ ...c, ...more }));
  const boot = (more: Partial<DomainConfig["boot"]>) => setConfig((c) => ({ ...c, boot: { ...c.boot, ...more } }));
  const disk = (index: number, more: Partial<Disk>) => setConfig((c) => ({ ...c, disks: c.disks.map((d, i) => (i === index ? { ...d, ...more } : d)) }));
  const addDisk = () => {
    const at = places.find((p) => !config.disks.some((d) => d.at === p));
    if (at) change({ disks: [...config.disks, { at, media: at.startsWith("floppy") ? "floppy" : at === "ide1-master" ? "cdrom" : "disk", source: "", format: "auto" as const, cache: "writeback" as const, readOnly: false, snapshot: false }] });
  };
  const fill = () => {
    const parsed = fromCommandLine(line, images);
    setFilled(parsed.ok);
    if (parsed.ok) {
      setRefused(null);
      setConfig({ ...parsed.config, name: parsed.config.name === "guest" ? config.name : parsed.config.name });
      setMemory(String(parsed.config.memoryMiB));
    } else setRefused(parsed.error);
  };
  const save = (start: boolean) => {
    const memoryMiB = Number(memory);
    if (memory.trim() === "" || !Number.isInteger(memoryMiB) || memoryMiB < 1 || memoryMiB > MOST_MEMORY_MIB)
      actions.fault({ code: "form.memory", message: `Memory must be a whole number from 1 to ${MOST_MEMORY_MIB} MiB.`, hint: "It is taken from a pool that ends at 3.5 GiB." });
    else onSave({ ...config, memoryMiB }, start);
  };
  const id = useId();

  return (
    <form
      className="form"
      data-testid="machine-form"
      onSubmit={(e) => {
        e.preventDefault();
        save(isNew);
      }}
    >
      {disabled && <p className="callout">{t("form.locked")}</p>}
      <fieldset disabled={disabled}>
        <legend className="visually-hidden">{t("form.machine")}</legend>
        {isNew && (
          <section className="card">
            <h3>{t("form.paste")}</h3>
            <p className="hint">{t("form.pasteHint")}</p>
            <textarea aria-label={t("form.paste")} rows={2} value={line} onChange={(e) => setLine(e.target.value)} placeholder="qemu-system-x86_64 -m 512 -kernel bzImage -append 'console=ttyS0'" spellCheck={false} data-testid="qemu-line" />
            <div className="row">
              <button type="button" onClick={fill} disabled={line.trim() === ""} data-testid="qemu-fill">
                {t("form.fill")}
              </button>
              {filled && <span className="good">{t("form.filled")}</span>}
            </div>
            <div role="alert" data-testid="qemu-refused">
              {refused && <FaultBox fault={refused} />}
            </div>
          </section>
        )}
        <section className="card">
          <h3>{t("form.general")}</h3>
          <div className="grid">
            <label>
              {t("form.name")}
              <input required value={config.name} onChange={(e) => change({ name: e.target.value })} data-testid="form-name" />
            </label>
            <label>
              {t("form.memory")}
              <input inputMode="numeric" value={memory} onChange={(e) => setMemory(e.target.value)} data-testid="form-memory" />
            </label>
            <label>
              {t("form.cpu")}
              <input list={`${id}-models`} value={config.cpu.model} onChange={(e) => change({ cpu: { ...config.cpu, model: e.target.value } })} spellCheck={false} data-testid="form-cpu" />
              <datalist id={`${id}-models`}>
                {models.map((m) => (
                  <option key={m} value={m} />
                ))}
              </datalist>
            </label>
            <label>
              {t("form.clock")}
              <select value={config.clock.mode} onChange={(e) => change({ clock: { ...config.clock, mode: e.target.value as "wall" | "instructions" } })}>
                <option value="wall">{t("form.clockWall")}</option>
                <option value="instructions">{t("form.clockInstructions")}</option>
              </select>
            </label>
            <label>
              {t("form.display")}
              <select value={config.vga} onChange={(e) => change({ vga: e.target.value as "std" | "none" })}>
                <option value="std">{t("form.displayStd")}</option>
                <option value="none">{t("form.none")}</option>
              </select>
            </label>
            <label>
              {t("form.serial")}
              <select value={config.serial[0] ?? "none"} onChange={(e) => change({ serial: [e.target.value, ...config.serial.slice(1)] })}>
                <option value="console">{t("form.serialConsole")}</option>
                <option value="null">{t("form.serialNull")}</option>
                <option value="none">{t("form.none")}</option>
              </select>
            </label>
          </div>
        </section>
        <section className="card">
          <h3>{t("form.kernelBoot")}</h3>
          <p className="hint">{t("form.kernelHint")}</p>
          <div className="grid">
            <SourcePicker label={t("form.kernel")} value={config.boot.kernel} onChange={(kernel) => boot({ kernel })} />
            <SourcePicker label={t("form.initrd")} value={config.boot.initrd} onChange={(initrd) => boot({ initrd })} />
            <label className="wide">
              {t("form.append")}
              <input value={config.boot.append} onChange={(e) => boot({ append: e.target.value })} spellCheck={false} placeholder="console=ttyS0" />
            </label>
          </div>
        </section>
        <section className="card">
          <h3>{t("form.drives")}</h3>
          <p className="hint">{t("form.drivesHint")}</p>
          {config.disks.map((d, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a drive has no other name than its place in the list
            <div className="drive" key={index}>
              <label>
                {t("form.at")}
                <select value={d.at} onChange={(e) => disk(index, { at: e.target.value as Disk["at"] })}>
                  {places.map((p) => (
                    <option key={p} value={p}>
                      {t(placeKey[p])}
                    </option>
                  ))}
                </select>
              </label>
              <label>
                {t("form.media")}
                <select value={d.media} onChange={(e) => disk(index, { media: e.target.value as Disk["media"] })}>
                  <option value="disk">{t("form.media.disk")}</option>
                  <option value="cdrom">{t("form.media.cdrom")}</option>
                  <option value="floppy">{t("form.media.floppy")}</option>
                </select>
              </label>
              <SourcePicker label={t("form.source")} value={d.source} onChange={(source) => disk(index, { source })} />
              <button type="button" className="icon-only quiet" aria-label={t("form.removeDrive")} title={t("form.removeDrive")} onClick={() => change({ disks: config.disks.filter((_, i) => i !== index) })}>
                <Icon name="trash" />
              </button>
            </div>
          ))}
          <div className="row">
            <button type="button" onClick={addDisk} disabled={config.disks.length >= places.length}>
              <Icon name="plus" />
              {t("form.addDrive")}
            </button>
            <label className="inline">
              {t("form.order")}
              <select value={config.boot.order} onChange={(e) => boot({ order: e.target.value })}>
                {!["cad", "dca", "acd"].includes(config.boot.order) && (
                  <option value={config.boot.order} translate="no">
                    {config.boot.order}
                  </option>
                )}
                <option value="cad">{t("form.order.cad")}</option>
                <option value="dca">{t("form.order.dca")}</option>
                <option value="acd">{t("form.order.acd")}</option>
              </select>
            </label>
          </div>
        </section>
        <section className="card">
          <h3>{t("form.more")}</h3>
          <label className="check">
            <input type="checkbox" checked={config.noReboot} onChange={(e) => change({ noReboot: e.target.checked })} />
            {t("form.noReboot")}
          </label>
          <label className="check">
            <input type="checkbox" checked={config.boot.menu} onChange={(e) => boot({ menu: e.target.checked })} />
            {t("form.bootMenu")}
          </label>
          <label className="check">
            <input type="checkbox" checked={config.firmware.debug} onChange={(e) => change({ firmware: { ...config.firmware, debug: e.target.checked } })} />
            {t("form.firmwareDebug")}
          </label>
          {config.devices.length > 0 && (
            <p className="hint">
              {t("form.devices")} <span translate="no">{config.devices.map((d) => d.type).join(", ")}</span>
            </p>
          )}
        </section>
        <div className="row form-buttons">
          {isNew ? (
            <>
              <button type="submit" className="primary" data-testid="form-start">
                <Icon name="play" />
                {t("form.createStart")}
              </button>
              <button type="button" onClick={() => save(false)}>
                {t("form.create")}
              </button>
            </>
          ) : (
            <button type="submit" className="primary">
              {t("form.save")}
            </button>
          )}
        </div>
      </fieldset>
    </form>
  );
}

/** Where bytes come from: nothing, a file of the library, a new file, a web address, or whatever the domain names already. */
function SourcePicker({ label, value, onChange }: { readonly label: string; readonly value: string; onChange(source: string): void }) {
  const t = useText();
  const images = useApp((s) => s.images);
  const file = useRef<HTMLInputElement>(null);
  const known = value === "" || images.some((i) => `library:${i.id}` === value);
  const isUrl = /^(url|chunks):/.test(value);
  return (
    <div className="source">
      <label>
        {label}
        <select
          value={isUrl ? "url:" : value}
          onChange={(e) => {
            if (e.target.value === "choose") file.current?.click();
            else onChange(e.target.value);
          }}
        >
          <option value="">{t("source.nothing")}</option>
          {images.filter((i) => !i.arriving).map((i) => (
            <option key={i.id} value={`library:${i.id}`} translate="no">
              {`${i.name} (${bytesText(i.size)})`}
            </option>
          ))}
          {!known && !isUrl && (
            <option value={value} translate="no">
              {value}
            </option>
          )}
          <option value="url:">{t("source.url")}</option>
          <option value="choose">{t("source.choose")}</option>
        </select>
      </label>
      {isUrl && <input aria-label={t("source.url")} value={value.replace(/^url:/, "")} onChange={(e) => onChange(e.target.value.startsWith("chunks:") ? e.target.value : `url:${e.target.value}`)} placeholder="https://" spellCheck={false} />}
      {value.startsWith("file:") && (
        <button type="button" className="attention" onClick={() => file.current?.click()}>
          {t("source.needsFile")}
        </button>
      )}
      <input
        ref={file}
        type="file"
        hidden
        onChange={async (e) => {
          const chosen = e.target.files?.[0];
          e.target.value = "";
          const row = chosen ? await controller.addFile(chosen) : null;
          if (row) onChange(`library:${row.id}`);
        }}
      />
    </div>
  );
}

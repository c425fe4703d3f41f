// The dialogs: a machine that a link or a file brought (shows what it holds and asks before anything starts) and a machine to share, as a link, a
// file, or a folder for a web server.

import { useEffect, useRef, useState } from "react";
import type { BenchMode, BenchProgram } from "../contract/assembly.ts";
import { BUNDLE_ENDING, LINK_FOR_ALL } from "../contract/bundle.ts";
import { isOn } from "../contract/machine.ts";
import type { Key } from "../i18n/index.ts";
import { actions, controller, type MachineRow, type Offer, type Shared, saveAs, useApp } from "../store/index.ts";
import { Icon } from "./icons.tsx";
import { bytesText, dateText, useLanguage, useText } from "./use-text.ts";

export function Dialog({ title, onClose, children, testId }: { readonly title: string; onClose(): void; readonly children: React.ReactNode; readonly testId: string }) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (!element.current?.open) element.current?.showModal();
  }, []);
  return (
    <dialog ref={element} onClose={onClose} aria-labelledby="dialog-title" data-testid={testId}>
      <h2 id="dialog-title">{title}</h2>
      {children}
    </dialog>
  );
}
export const BENCH_MODE_NAMES: { readonly [M in BenchMode]: Key } = { boot: "bench.mode.boot", flat32: "bench.mode.flat32", flat64: "bench.mode.flat64" };
const fileName = (name: string) => name.replace(/[^\p{L}\p{N}._ -]+/gu, "_").trim() || "machine";

export function ShareDialog({ row, onClose }: { readonly row: MachineRow; onClose(): void }) {
  const t = useText();
  const on = isOn(row.state);
  const [state, setState] = useState(on);
  /** null: there is none. */
  const [recording, setRecording] = useState<boolean | null>(null);
  /** Known whether there is a recording: nothing is packed twice. */
  const [asked, setAsked] = useState(row.config.clock.mode !== "instructions" || !on);
  const [shared, setShared] = useState<Shared | null>(null);
  const [busy, setBusy] = useState(true);
  const [copied, setCopied] = useState(false);
  const [folder, setFolder] = useState("");
  const [hosted, setHosted] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (asked) return;
    void (async () => {
      const reply = await controller.client(row.id)?.execute("info record", {});
      setRecording(reply?.ok && reply.value !== null ? true : null);
      setAsked(true);
    })();
  }, [row.id, asked]);
  const withRecording = state && recording === true;
  // The machine as it is when the dialog opens, and again when the choice changes.
  useEffect(() => {
    if (!asked) return;
    let wanted = true;
    setBusy(true);
    void controller.share(row.id, "link", state, withRecording).then((made) => {
      if (!wanted) return;
      setShared(made);
      setBusy(false);
    });
    return () => {
      wanted = false;
    };
  }, [row.id, state, withRecording, asked]);
  const work = async (act: () => Promise<void>) => {
    setBusy(true);
    await act();
    setBusy(false);
  };
  const save = () =>
    work(async () => {
      const file = await controller.share(row.id, "file", state, withRecording);
      if (file) saveAs(new Blob([file.made.bytes as BlobPart], { type: "application/octet-stream" }), `${fileName(row.config.name)}${BUNDLE_ENDING}`);
    });
  const saveOva = () =>
    work(async () => {
      const ova = await controller.exportAppliance(row.config);
      if (ova) saveAs(ova, `${fileName(row.config.name)}.ova`);
    });
  const saveFolder = () =>
    work(async () => {
      const made = await controller.share(row.id, "hosted", state, withRecording);
      const ready = made && (await controller.hosted(made.made, folder));
      if (!ready) return;
      setHosted(ready.link);
      saveAs(ready.archive, `${fileName(row.config.name)}.tar`);
    });
  const link = hosted || shared?.link || "";
  const size = shared?.made.summary.bytes ?? 0;
  return (
    <Dialog title={t("share.title")} onClose={onClose} testId="share-dialog">
      <p>{t("share.text")}</p>
      {on && (
        <label className="check">
          <input type="checkbox" checked={state} disabled={busy} onChange={(e) => setState(e.target.checked)} data-testid="share-state" />
          {t("share.state")}
        </label>
      )}
      {on && recording !== null && (
        <label className="check">
          <input type="checkbox" checked={withRecording} disabled={busy || !state} onChange={(e) => setRecording(e.target.checked)} data-testid="share-recording" />
          {t("share.recording")}
        </label>
      )}
      {!busy && !shared && <p className="hint">{t("share.failed")}</p>}
      {busy ? (
        <p role="status">{t("share.busy")}</p>
      ) : link ? (
        <>
          <textarea ref={field} readOnly rows={4} value={link} aria-label={t("share.link")} onFocus={(e) => e.target.select()} data-testid="share-link" translate="no" />
          <p className="hint" data-testid="share-size">
            {t("share.size", { characters: link.length.toLocaleString() })} {link.length > LINK_FOR_ALL ? t("share.veryLong") : link.length > 8000 && t("share.long")}
          </p>
        </>
      ) : (
        shared && <p data-testid="share-large">{t("share.large", { size: bytesText(size) })}</p>
      )}
      <div className="row end">
        <button
          type="button"
          className="primary"
          disabled={busy || link === ""}
          onClick={async () => {
            field.current?.select();
            await navigator.clipboard?.writeText(link).then(() => setCopied(true)).catch(() => undefined);
          }}
        >
          <Icon name="clipboard" />
          {copied ? t("share.copied") : t("share.copy")}
        </button>
        <button type="button" disabled={busy} onClick={() => void save()} data-testid="share-file">
          <Icon name="file" />
          {t("share.file")}
        </button>
        <button type="button" onClick={onClose}>
          {t("dialog.close")}
        </button>
      </div>
      {row.config.disks.some((d) => d.source.startsWith("library:")) && (
        <p>
          <button type="button" className="quiet" disabled={busy} onClick={() => void saveOva()} data-testid="share-ova">
            <Icon name="disk" />
            {t("share.ova")}
          </button>
        </p>
      )}
      <details>
        <summary>{t("share.server")}</summary>
        <p className="hint">{t("share.serverText")}</p>
        <form
          className="row"
          onSubmit={(e) => {
            e.preventDefault();
            void saveFolder();
          }}
        >
          <input type="url" required value={folder} onChange={(e) => setFolder(e.target.value)} placeholder="https://example.org/machine/" aria-label={t("share.folder")} data-testid="share-folder" translate="no" />
          <button type="submit" disabled={busy} data-testid="share-hosted">
            {t("share.saveFolder")}
          </button>
        </form>
      </details>
    </Dialog>
  );
}
export function CloneDialog({ row, onClose }: { readonly row: MachineRow; onClose(): void }) {
  const t = useText();
  const [kind, setKind] = useState<"linked" | "full">("linked");
  const [count, setCount] = useState(1);
  const [busy, setBusy] = useState(false);
  const on = isOn(row.state);
  useEffect(() => {
    if (on && count >= 1) controller.expectClones(count);
  }, [on, count]);
  useEffect(() => () => controller.expectClones(0), []);
  return (
    <Dialog title={t("clone.title")} onClose={onClose} testId="clone-dialog">
      <p>{t(isOn(row.state) ? "clone.text" : "clone.textOff")}</p>
      <form
        onSubmit={async (e) => {
          e.preventDefault();
          setBusy(true);
          const done = await controller.clone(row.id, kind, count);
          setBusy(false);
          if (done) onClose();
        }}
      >
        {(["linked", "full"] as const).map((one) => (
          <label key={one} className="check">
            <input type="radio" name="kind" value={one} checked={kind === one} onChange={() => setKind(one)} data-testid={`clone-${one}`} />
            {t(one === "linked" ? "clone.linked" : "clone.full")}
          </label>
        ))}
        <label className="check">
          {t("clone.count")}
          <input type="number" min={1} max={32} value={count} onChange={(e) => setCount(Number(e.target.value))} data-testid="clone-count" />
        </label>
        <div className="row end">
          <button type="submit" className="primary" disabled={busy || !(count >= 1 && count <= 32)} data-testid="clone-start">
            <Icon name="plus" />
            {t("clone.start")}
          </button>
          <button type="button" onClick={onClose}>
            {t("dialog.cancel")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
export function OfferDialog() {
  const offer = useApp((s) => s.offer);
  if (!offer) return null;
  if (offer.kind === "bench") return <OpenProgram program={offer.program} />;
  return offer.kind === "hosted" ? <AskHost place={offer.place} /> : <OpenOffer offer={offer} />;
}
/** A link with a program for the bench: its text is shown; nothing of it is assembled or run before the person opens it. */
function OpenProgram({ program }: { readonly program: BenchProgram }) {
  const t = useText();
  const close = () => actions.closeOffer();
  return (
    <Dialog title={t("bench.linkTitle")} onClose={close} testId="bench-link-dialog">
      <p>{t("bench.linkText", { mode: t(BENCH_MODE_NAMES[program.mode]), lines: program.source.split("\n").length })}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a text that scrolls must take the keyboard */}
      <pre className="bench-offered" tabIndex={0} translate="no" data-testid="bench-link-source">
        {program.source}
      </pre>
      <div className="row end">
        <button
          type="button"
          className="primary"
          data-testid="bench-link-open"
          onClick={() => {
            actions.bench({ brought: program });
            actions.select({ kind: "bench" });
            close();
          }}
        >
          {t("bench.linkOpen")}
        </button>
        <button type="button" onClick={close}>
          {t("dialog.cancel")}
        </button>
      </div>
    </Dialog>
  );
}
/** A link that names a web server: nothing is fetched from it before the person agrees. */
function AskHost({ place }: { readonly place: (Offer & { readonly kind: "hosted" })["place"] }) {
  const t = useText();
  const [busy, setBusy] = useState(false);
  const close = () => actions.closeOffer();
  return (
    <Dialog title={t("link.title")} onClose={close} testId="link-host-dialog">
      <p>{t("link.hostText", { host: new URL(place.url).host })}</p>
      <p className="hint" translate="no">
        {place.url}
      </p>
      <div className="row end">
        <button
          type="button"
          className="primary"
          disabled={busy}
          data-testid="link-look"
          onClick={async () => {
            setBusy(true);
            await controller.look(place);
            setBusy(false);
          }}
        >
          {t("link.look")}
        </button>
        <button type="button" onClick={close}>
          {t("dialog.cancel")}
        </button>
      </div>
    </Dialog>
  );
}
function OpenOffer({ offer }: { readonly offer: Exclude<Offer, { readonly kind: "hosted" | "bench" }> }) {
  const t = useText();
  const language = useLanguage();
  const [progress, setProgress] = useState<{ readonly loaded: number; readonly total: number } | null>(null);
  const close = () => actions.closeOffer();
  const config = offer.kind === "domain" ? offer.config : offer.summary.domain;
  const summary = offer.kind === "bundle" ? offer.summary : null;
  const files = summary?.files ?? [];
  const rows: readonly (readonly [string, string])[] = [
    [t("form.name"), config.name],
    [t("form.memory"), String(config.memoryMiB)],
    [t("form.cpu"), config.cpu.model],
    [t("form.kernel"), config.boot.kernel],
    [t("form.initrd"), config.boot.initrd],
    [t("form.append"), config.boot.append],
    ...config.disks.map((d) => [`${t("form.source")} ${d.at}`, d.source] as const),
    ...files.map((f) => [f.over ? t("link.written", { source: f.over }) : `${t("link.file")} ${f.name}`, `${bytesText(f.size)} (${t("link.packed", { size: bytesText(f.bytes) })})`] as const),
    ...(summary
      ? [
          [t("link.state"), summary.state ? `${dateText(summary.state.dateMs, language)}, ${bytesText(summary.state.bytes)}${summary.state.base ? ` + ${summary.state.base}` : ""}` : t("link.noState")] as const,
          [t("link.recording"), summary.recording ? t("link.recorded", { instructions: summary.recording.instructions.toLocaleString(), inputs: summary.recording.inputs }) : ""] as const,
          [t("link.size"), bytesText(summary.bytes)] as const,
          [t("link.from"), offer.kind === "bundle" && offer.place.kind === "hosted" ? offer.place.url : offer.kind === "bundle" && offer.place.kind === "bytes" && offer.place.from === "file" ? t("link.fromFile") : t("link.fromLink")] as const,
          [t("link.hosts"), summary.hosts.join(", ")] as const,
        ]
      : []),
    [t("link.firmware"), config.firmware.bios],
    [t("link.devices"), config.devices.map((d) => d.type).join(", ")],
  ];
  const accept = async (start: boolean) => {
    setProgress({ loaded: 0, total: summary?.bytes ?? 0 });
    const done = await controller.accept(offer, start, (loaded, total) => setProgress({ loaded, total }));
    if (done) close();
    else setProgress(null);
  };
  return (
    <Dialog title={t("link.title")} onClose={close} testId="link-dialog">
      <p>{t("link.text")}</p>
      {summary?.state?.thumbnail && <img className="offer-picture" src={summary.state.thumbnail} alt={t("link.picture")} />}
      <table className="facts">
        <tbody>
          {rows
            .filter(([, value]) => value !== "")
            .map(([name, value]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td translate="no">{value}</td>
              </tr>
            ))}
        </tbody>
      </table>
      {progress && progress.total > 0 && <progress max={progress.total} value={progress.loaded} aria-label={t("progress.label")} />}
      <div className="row end">
        <button type="button" className="primary" data-testid="link-start" disabled={progress !== null} onClick={() => void accept(true)}>
          <Icon name="play" />
          {summary?.recording ? t("link.replay") : summary?.state ? t("link.continue") : t("link.start")}
        </button>
        <button type="button" disabled={progress !== null} onClick={() => void accept(false)} data-testid="link-add">
          {t("link.add")}
        </button>
        <button type="button" onClick={close}>
          {t("dialog.cancel")}
        </button>
      </div>
    </Dialog>
  );
}

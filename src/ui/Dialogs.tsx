// The two dialogs: a link that was opened (shows what it holds and asks before anything starts) and a link to share.

import { useEffect, useRef, useState } from "react";
import type { DomainConfig } from "../contract/domain.ts";
import { actions, controller, useApp } from "../store/index.ts";
import { Icon } from "./icons.tsx";
import { useText } from "./use-text.ts";

function Dialog({ title, onClose, children, testId }: { readonly title: string; onClose(): void; readonly children: React.ReactNode; readonly testId: string }) {
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
export function ShareDialog({ link, onClose }: { readonly link: string; onClose(): void }) {
  const t = useText();
  const [copied, setCopied] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  return (
    <Dialog title={t("share.title")} onClose={onClose} testId="share-dialog">
      <p>{t("share.text")}</p>
      <textarea ref={field} readOnly rows={4} value={link} aria-label={t("share.title")} onFocus={(e) => e.target.select()} data-testid="share-link" translate="no" />
      <div className="row end">
        <button
          type="button"
          className="primary"
          onClick={async () => {
            field.current?.select();
            await navigator.clipboard?.writeText(link).then(() => setCopied(true)).catch(() => undefined);
          }}
        >
          <Icon name="clipboard" />
          {copied ? t("share.copied") : t("share.copy")}
        </button>
        <button type="button" onClick={onClose}>
          {t("dialog.close")}
        </button>
      </div>
    </Dialog>
  );
}
export function LinkDialog() {
  const link = useApp((s) => s.link);
  return link ? <OpenLink config={link} /> : null;
}
function OpenLink({ config }: { readonly config: DomainConfig }) {
  const t = useText();
  const close = () => actions.closeLink();
  const rows: readonly (readonly [string, string])[] = [
    [t("form.name"), config.name],
    [t("form.memory"), String(config.memoryMiB)],
    [t("form.cpu"), config.cpu.model],
    [t("form.kernel"), config.boot.kernel],
    [t("form.initrd"), config.boot.initrd],
    [t("form.append"), config.boot.append],
    ...config.disks.map((d) => [`${t("form.source")} ${d.at}`, d.source] as const),
    [t("link.firmware"), config.firmware.bios],
    [t("link.devices"), config.devices.map((d) => d.type).join(", ")],
  ];
  return (
    <Dialog title={t("link.title")} onClose={close} testId="link-dialog">
      <p>{t("link.text")}</p>
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
      <div className="row end">
        <button
          type="button"
          className="primary"
          data-testid="link-start"
          onClick={() => {
            close();
            void controller.addAndStart(config);
          }}
        >
          <Icon name="play" />
          {t("link.start")}
        </button>
        <button
          type="button"
          onClick={() => {
            close();
            void controller.add(config);
          }}
        >
          {t("link.add")}
        </button>
        <button type="button" onClick={close}>
          {t("dialog.cancel")}
        </button>
      </div>
    </Dialog>
  );
}

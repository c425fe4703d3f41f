// The snapshots of one machine as a tree: save, go back, name, notes, delete.

import { useCallback, useEffect, useState } from "react";
import { isOn } from "../contract/machine.ts";
import { controller, type MachineRow, type SnapshotRow } from "../store/index.ts";
import { Icon } from "./icons.tsx";
import { bytesText, dateText, useLanguage, useText } from "./use-text.ts";

export function Snapshots({ row }: { readonly row: MachineRow }) {
  const t = useText();
  const [list, setList] = useState<readonly SnapshotRow[] | null>(null);
  const [name, setName] = useState("");
  const [busy, setBusy] = useState(false);
  const load = useCallback(() => void controller.snapshots(row.id).then(setList), [row.id]);
  useEffect(load, [load]);
  const work = async (act: () => Promise<unknown>) => {
    setBusy(true);
    await act();
    setBusy(false);
    load();
  };
  const on = isOn(row.state);
  const known = new Set(list?.map((s) => s.id));
  const roots = list?.filter((s) => s.parent === null || !known.has(s.parent)) ?? [];
  return (
    <div className="scroll snapshots" data-testid="snapshots">
      <form
        className="row"
        onSubmit={(e) => {
          e.preventDefault();
          void work(() => controller.saveSnapshot(row.id, name.trim())).then(() => setName(""));
        }}
      >
        <input type="text" value={name} onChange={(e) => setName(e.target.value)} placeholder={t("snap.name")} aria-label={t("snap.name")} data-testid="snap-name" />
        <button type="submit" className="primary" disabled={!on || busy} data-testid="snap-save">
          <Icon name="camera" />
          {t("snap.save")}
        </button>
      </form>
      <p className="hint">{on ? t("snap.hint") : t("snap.off")}</p>
      {list?.length === 0 && <p className="hint">{t("snap.none")}</p>}
      <Tree list={list ?? []} here={roots} row={row} busy={busy} work={work} />
    </div>
  );
}
function Tree({ list, here, row, busy, work }: { readonly list: readonly SnapshotRow[]; readonly here: readonly SnapshotRow[]; readonly row: MachineRow; readonly busy: boolean; readonly work: (act: () => Promise<unknown>) => Promise<void> }) {
  const t = useText();
  const language = useLanguage();
  if (here.length === 0) return null;
  return (
    <ul className="snapshot-tree">
      {here.map((s) => (
        <li key={s.id}>
          <div className="snapshot" data-testid="snapshot">
            {s.thumbnail ? <img src={s.thumbnail} alt="" width={96} /> : <Icon name="screen" />}
            <div>
              <input className="quiet" defaultValue={s.name} aria-label={t("snap.name")} translate="no" onBlur={(e) => e.target.value !== s.name && void work(() => controller.describeSnapshot(s.id, { name: e.target.value }))} />
              <p className="hint" translate="no">
                {dateText(s.dateMs, language)} · {bytesText(s.ownBytes)} / {bytesText(s.ramBytes)}
              </p>
              <textarea rows={1} defaultValue={s.notes} placeholder={t("snap.notes")} aria-label={t("snap.notes")} translate="no" onBlur={(e) => e.target.value !== s.notes && void work(() => controller.describeSnapshot(s.id, { notes: e.target.value }))} />
            </div>
            <span className="spacer" />
            <button type="button" disabled={busy || row.state === "opening"} onClick={() => void work(() => controller.start(row.id, s.id))} data-testid="snap-load">
              <Icon name="reset" />
              {t("snap.load")}
            </button>
            <button type="button" className="icon-only quiet" disabled={busy} aria-label={t("snap.remove")} title={t("snap.remove")} onClick={() => confirm(t("snap.removeAsk", { name: s.name })) && void work(() => controller.removeSnapshot(row.id, s.id))}>
              <Icon name="trash" />
            </button>
          </div>
          <Tree list={list} here={list.filter((c) => c.parent === s.id)} row={row} busy={busy} work={work} />
        </li>
      ))}
    </ul>
  );
}

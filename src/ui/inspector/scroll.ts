// Brings a row of a panel's list into view. The list alone moves: scrollIntoView would move what is around it too, and hide the panel's tabs.

export function showRow(row: HTMLElement | null, where: "nearest" | "center" = "nearest"): void {
  const list = row?.closest(".insp-scroll");
  if (!row || !list) return;
  const [at, box] = [row.getBoundingClientRect(), list.getBoundingClientRect()];
  list.scrollTop += where === "center" ? (at.top + at.bottom - box.top - box.bottom) / 2 : Math.min(0, at.top - box.top) + Math.max(0, at.bottom - box.bottom);
}

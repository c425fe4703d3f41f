// The state of a machine as a coloured word.

import type { MachineRow } from "../store/index.ts";
import { useText } from "./use-text.ts";

export function Badge({ row }: { readonly row: MachineRow }) {
  const t = useText();
  return (
    <span className={`badge ${row.state}`} data-testid="badge" data-state={row.state}>
      {t(`state.${row.state}`)}
    </span>
  );
}

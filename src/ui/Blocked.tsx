// Shown instead of the app where shared memory cannot be had: says why and what helps.

import type { Isolation } from "../isolation.ts";
import { useText } from "./use-text.ts";

export function Blocked({ why }: { readonly why: Exclude<Isolation, "isolated" | "reloading"> }) {
  const t = useText();
  const key = why === "insecure" ? "blocked.insecure" : why === "refused" ? "blocked.refused" : "blocked.noWorker";
  return (
    <main className="blocked" data-testid="blocked">
      <h1 translate="no">Guesthouse</h1>
      <p>{t("blocked.title")}</p>
      <p>{t(key)}</p>
    </main>
  );
}

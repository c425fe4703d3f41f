// Help: how to use the inspector and the assembly bench, and the instruction table with its conformance cases, the data of docs/instructions.md (npm run docs writes both). Loaded when somebody asks
// for it. A box filters by mnemonic, encoding, operand or CPUID feature; each family folds; the box and the families take the keyboard.

import { useDeferredValue, useEffect, useMemo, useState } from "react";
import type { Key } from "../i18n/index.ts";
import { tagOf, useLanguage, useText } from "./use-text.ts";

/** Mnemonic, encoding, operands, CPUID feature, cases; without cases also the reason and the programs that execute it. */
type Row = readonly [string, string, string, string, number, string?, string?];
interface Table {
  readonly rows: number;
  readonly covered: number;
  readonly cases: number;
  readonly families: readonly { readonly id: string; readonly cases: number; readonly rows: readonly Row[] }[];
}
const FAMILY_NAMES: { readonly [id: string]: Key } = {
  integer: "help.family.integer", x87: "help.family.x87", mmx: "help.family.mmx", sse: "help.family.sse", v3: "help.family.v3", vex: "help.family.vex",
};
const TOPICS = [
  { id: "inspector", title: "help.inspector", lines: ["help.inspector.1", "help.inspector.2", "help.inspector.3", "help.inspector.4", "help.inspector.5"] },
  { id: "bench", title: "help.bench", lines: ["help.bench.1", "help.bench.2", "help.bench.3", "help.bench.4", "help.bench.5", "help.bench.6"] },
] as const satisfies readonly { readonly id: string; readonly title: Key; readonly lines: readonly Key[] }[];
/** Every word must be found somewhere in the row; a word that is just a mnemonic's beginning counts too. */
const matches = (row: Row, words: readonly string[]) => {
  const text = `${row[0]} ${row[1]} ${row[2]} ${row[3]}`.toLowerCase();
  return words.every((w) => text.includes(w));
};

export default function Help() {
  const t = useText();
  const language = useLanguage();
  const [table, setTable] = useState<Table | null>(null);
  const [failed, setFailed] = useState(false);
  const [query, setQuery] = useState("");
  const wanted = useDeferredValue(query);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => {
    let here = true;
    import("./instructions.gen.json").then(
      (m) => here && setTable(m.default as unknown as Table),
      () => here && setFailed(true),
    );
    return () => {
      here = false;
    };
  }, []);
  const number = useMemo(() => new Intl.NumberFormat(tagOf(language)), [language]);
  const words = wanted.toLowerCase().split(/\s+/).filter((w) => w !== "");
  const families = useMemo(() => {
    const list = wanted.toLowerCase().split(/\s+/).filter((w) => w !== "");
    return (table?.families ?? []).map((f) => ({ ...f, shown: list.length ? f.rows.filter((r) => matches(r, list)) : f.rows }));
  }, [table, wanted]);
  const found = families.reduce((n, f) => n + f.shown.length, 0);
  return (
    <div className="scroll help" data-testid="help">
      <h2>{t("help.title")}</h2>
      {TOPICS.map(({ id, title, lines }) => (
        <section key={id} data-testid={`help-${id}`}>
          <h3>{t(title)}</h3>
          <ul>
            {lines.map((key) => (
              <li key={key}>{t(key)}</li>
            ))}
          </ul>
        </section>
      ))}
      <h3>{t("help.instructions")}</h3>
      <p className="hint">{t("help.text")}</p>
      {failed && <p role="alert">{t("help.failed")}</p>}
      {!table && !failed && <p className="hint">{t("help.loading")}</p>}
      {table && (
        <>
          <label className="help-search">
            {t("help.search")}
            <input type="search" value={query} onChange={(e) => setQuery(e.target.value)} placeholder={t("help.placeholder")} spellCheck={false} autoComplete="off" data-testid="help-search" />
          </label>
          <p className="hint" role="status" data-testid="help-count">
            {words.length ? t("help.found", { found: number.format(found), rows: number.format(table.rows) }) : t("help.total", { rows: number.format(table.rows), covered: number.format(table.covered), cases: number.format(table.cases) })}
          </p>
          {families
            .filter((f) => f.shown.length > 0)
            .map((f) => {
              // A search shows what it found at once; without one a thousand rows stay folded until asked for.
              const unfolded = words.length > 0 || open.has(f.id);
              const name = FAMILY_NAMES[f.id];
              return (
                <section key={f.id}>
                  <button
                    type="button"
                    className="help-family"
                    aria-expanded={unfolded}
                    disabled={words.length > 0}
                    data-testid={`help-family-${f.id}`}
                    onClick={() => setOpen((was) => new Set(was.has(f.id) ? [...was].filter((id) => id !== f.id) : [...was, f.id]))}
                  >
                    <span>{name ? t(name) : f.id}</span>
                    <span className="hint">{t("help.familyCases", { rows: number.format(f.shown.length), cases: number.format(f.shown.reduce((n, r) => n + r[4], 0)) })}</span>
                  </button>
                  {unfolded && (
                    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls sideways must take the keyboard
                    <section className="help-table" tabIndex={0} aria-label={name ? t(name) : f.id}>
                      <table>
                        <thead>
                          <tr>
                            <th scope="col">{t("help.instruction")}</th>
                            <th scope="col">{t("help.encoding")}</th>
                            <th scope="col">{t("help.operands")}</th>
                            <th scope="col" translate="no">
                              CPUID
                            </th>
                            <th scope="col">{t("help.cases")}</th>
                          </tr>
                        </thead>
                        <tbody translate="no">
                          {f.shown.map(([op, enc, operands, cpuid, cases, reason, programs]) => (
                            <tr key={`${op} ${enc} ${operands}`} data-testid="help-row">
                              <th scope="row">{op}</th>
                              <td>{enc}</td>
                              <td>{operands}</td>
                              <td>{cpuid}</td>
                              <td className="number" data-cases={cases}>
                                {reason === undefined ? number.format(cases) : <span title={reason}>{`0: ${reason} (${programs})`}</span>}
                              </td>
                            </tr>
                          ))}
                        </tbody>
                      </table>
                    </section>
                  )}
                </section>
              );
            })}
        </>
      )}
    </div>
  );
}

// The bench's editor: CodeMirror with a gutter of breakpoints, one of the bytes that lines became, errors at their lines, and the line before which the
// machine stands. Plain DOM; Bench.tsx owns it. Tab indents, and Escape lets the next Tab leave (CodeMirror's own way).

import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { EditorState, RangeSet, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, drawSelection, EditorView, GutterMarker, gutter, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import type { SourceMessage } from "../../contract/assembly.ts";
import { nasmLanguage } from "./nasm-mode.ts";

export interface EditorEvents {
  changed(source: string): void;
  /** Lines with a breakpoint, from 1. */
  breakpoints(lines: readonly number[]): void;
  run(): void;
  step(): void;
  back(): void;
}
export interface Editor {
  readonly view: EditorView;
  source(): string;
  replace(source: string): void;
  messages(list: readonly SourceMessage[]): void;
  /** The line before which the machine stands, brought into view; null for none. */
  current(line: number | null): void;
  /** Hexadecimal text beside lines; null hides the column. */
  bytes(lines: ReadonlyMap<number, string> | null): void;
  go(line: number): void;
  close(): void;
}
class Dot extends GutterMarker {
  override eq(): boolean {
    return true;
  }
  override toDOM(): HTMLElement {
    const dot = document.createElement("span");
    dot.className = "bench-dot";
    dot.textContent = "●";
    return dot;
  }
}
class Hex extends GutterMarker {
  readonly text: string;
  constructor(text: string) {
    super();
    this.text = text;
  }
  override eq(other: Hex): boolean {
    return other.text === this.text;
  }
  override toDOM(): Text {
    return document.createTextNode(this.text);
  }
}
const dot = new Dot();
const toggle = StateEffect.define<number>();
const dots = StateField.define<RangeSet<GutterMarker>>({
  create: () => RangeSet.empty,
  update(set, tr) {
    let now = set.map(tr.changes);
    for (const effect of tr.effects) {
      if (!effect.is(toggle)) continue;
      let has = false;
      now.between(effect.value, effect.value, () => {
        has = true;
      });
      now = has ? now.update({ filter: (from) => from !== effect.value }) : now.update({ add: [dot.range(effect.value)] });
    }
    return now;
  },
});
const putCurrent = StateEffect.define<number | null>();
const currentLine = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(set, tr) {
    let now = set.map(tr.changes);
    for (const effect of tr.effects) if (effect.is(putCurrent)) now = effect.value === null ? Decoration.none : Decoration.set([Decoration.line({ class: "bench-current", attributes: { "aria-current": "step" } }).range(effect.value)]);
    return now;
  },
  provide: (field) => EditorView.decorations.from(field),
});
const putBytes = StateEffect.define<ReadonlyMap<number, string> | null>();
const byteTexts = StateField.define<ReadonlyMap<number, string> | null>({
  create: () => null,
  update(map, tr) {
    for (const effect of tr.effects) if (effect.is(putBytes)) return effect.value;
    return map;
  },
});
const colours = HighlightStyle.define([
  { tag: tags.comment, class: "bench-comment" },
  { tag: tags.string, class: "bench-string" },
  { tag: tags.number, class: "bench-number" },
  { tag: tags.variableName, class: "bench-register" },
  { tag: [tags.keyword, tags.modifier], class: "bench-keyword" },
  { tag: [tags.definitionKeyword, tags.meta], class: "bench-directive" },
  { tag: tags.labelName, class: "bench-label" },
]);

export function createEditor(parent: HTMLElement, source: string, label: string, hint: string, events: EditorEvents): Editor {
  const linesOf = (state: EditorState): number[] => {
    const lines: number[] = [];
    for (const cursor = state.field(dots).iter(); cursor.value; cursor.next()) {
      const { number } = state.doc.lineAt(cursor.from);
      if (!lines.includes(number)) lines.push(number);
    }
    return lines;
  };
  const flip = (view: EditorView, at: number): true => {
    view.dispatch({ effects: toggle.of(view.state.doc.lineAt(at).from) });
    return true;
  };
  const clicks = { mousedown: (view: EditorView, block: { readonly from: number }) => flip(view, block.from) };
  const act = (what: () => void) => () => {
    what();
    return true;
  };
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: source,
      extensions: [
        gutter({ class: "bench-dots", markers: (v) => v.state.field(dots), initialSpacer: () => dot, domEventHandlers: clicks }),
        lineNumbers({ domEventHandlers: clicks }),
        gutter({
          class: "bench-bytes",
          lineMarker: (v, block) => {
            const text = v.state.field(byteTexts)?.get(v.state.doc.lineAt(block.from).number);
            return text === undefined ? null : new Hex(text);
          },
          lineMarkerChange: (update) => update.startState.field(byteTexts) !== update.state.field(byteTexts),
        }),
        lintGutter(),
        dots,
        currentLine,
        byteTexts,
        history(),
        drawSelection(),
        highlightActiveLine(),
        nasmLanguage,
        indentUnit.of("        "),
        EditorState.tabSize.of(8),
        syntaxHighlighting(colours),
        keymap.of([
          { key: "Mod-Enter", run: act(() => events.run()) },
          { key: "F9", run: (v) => flip(v, v.state.selection.main.head) },
          { key: "F10", run: act(() => events.step()), shift: act(() => events.back()) },
          ...defaultKeymap,
          ...historyKeymap,
          indentWithTab,
        ]),
        EditorView.contentAttributes.of({ "aria-label": label, "aria-describedby": hint, spellcheck: "false", autocapitalize: "off", translate: "no", "data-testid": "bench-editor" }),
        EditorView.updateListener.of((update) => {
          const before = linesOf(update.startState).join();
          const after = linesOf(update.state);
          if (update.docChanged) events.changed(update.state.doc.toString());
          if (before !== after.join()) events.breakpoints(after);
        }),
      ],
    }),
  });
  const at = (line: number) => view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines));
  return {
    view,
    source: () => view.state.doc.toString(),
    replace: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor: 0 }, scrollIntoView: true }),
    messages: (list) => {
      const diagnostics: Diagnostic[] = list.map((m) => {
        const line = at(m.line ?? 1);
        const indent = line.text.length - line.text.trimStart().length;
        return { from: line.from + indent, to: line.to, severity: m.severity, message: m.message };
      });
      view.dispatch(setDiagnostics(view.state, diagnostics.sort((a, b) => a.from - b.from)));
    },
    current: (line) => {
      const place = line === null ? null : at(line).from;
      view.dispatch({ effects: [putCurrent.of(place), ...(place === null ? [] : [EditorView.scrollIntoView(place, { y: "nearest", yMargin: 40 })])] });
    },
    bytes: (lines) => view.dispatch({ effects: putBytes.of(lines) }),
    go: (line) => {
      view.dispatch({ selection: { anchor: at(line).from }, scrollIntoView: true });
      view.focus();
    },
    close: () => view.destroy(),
  };
}

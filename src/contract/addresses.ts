// Where addresses stand in what the monitor prints, and whether they are linear or physical: the page makes links of them. Each command prints them in a
// form of its own (workers/monitor); what is not told here has no links, since a number alone does not say that it is an address. addresses.test.ts
// looks at what a machine's monitor really prints.

import { traceKinds, type TraceKind } from "./trace.ts";

export interface AddressIn {
  /** Where it stands in the text. */
  readonly from: number;
  readonly to: number;
  readonly address: bigint;
  readonly physical: boolean;
}
interface Rule {
  /** Each of its groups is one address, in hexadecimal, with or without 0x. */
  readonly pattern: RegExp;
  readonly physical?: boolean;
}
/** Numbers of at least four digits: shorter ones are bytes and offsets. */
const WORDS: Rule = { pattern: /(0x[0-9a-f]{4,16})\b/g };
const PHYSICAL: Rule = { pattern: /\bphys (0x[0-9a-f]+)\b/g, physical: true };
const debug = [PHYSICAL, { pattern: /\berror code 0x[0-9a-f]+/g }, WORDS];
const tables: readonly Rule[] = [{ pattern: /\b(?:at|base) (0x[0-9a-f]+)\b/g }, { pattern: /\b[0-9a-f]{4}:([0-9a-f]{8,16})\b/g }, { pattern: /\b(?:RSP\d|ESP\d|IST\d): (0x[0-9a-f]+)\b/g }];
const CR3: Rule = { pattern: /\bCR3[ =]((?:0x)?[0-9a-f]+)\b/g, physical: true };
/** Beside their short names, as the registry knows them. */
const rules: readonly (readonly [names: RegExp, rules: readonly Rule[]])[] = [
  [
    /^info registers\b/,
    [
      { pattern: /\b(?:R[A-DS][XIP]|RBP|RIP|E[A-DS][XIP]|EBP|EIP|RDI|EDI|R\d+) *=([0-9a-f]{8,16})\b/g },
      { pattern: /^(?:[C-GES]S|LDT|TR) *=[0-9a-f]{4} ([0-9a-f]{8,16})\b/gm },
      { pattern: /\b(?:[GI]DT= +|CR2=|DR[0-3]=)([0-9a-f]{8,16})\b/g },
      CR3,
    ],
  ],
  [/^(info stop|info breakpoints|info break|info b|info shutdown|stepi|step|si|s|nexti|next|ni|n|finish|until|reverse-\w+|rc|rsi|goto|t?break|b|[ar]?watch|info symbol|disassemble|disas|region)\b/, debug],
  [/^(print|p)\b.*\$cr3\s*$/, [{ ...WORDS, physical: true }]],
  [/^find\b.*\bp:\S*/, [{ pattern: /(0x[0-9a-f]+)\b/g, physical: true }]],
  [/^find\b/, [{ pattern: /(0x[0-9a-f]+)\b/g }]],
  [/^(print|p)\b/, [WORDS]],
  [/^x\b/, [{ pattern: /^([0-9a-f]{8,16}):/gm }, WORDS]],
  [/^xp\b/, [{ pattern: /^(?:0x)?([0-9a-f]{8,16}):/gm, physical: true }]],
  [/^info mem\b/, [{ pattern: /^([0-9a-f]{16})-([0-9a-f]{16})\b/gm }]],
  [/^info tlb\b/, [{ pattern: /^([0-9a-f]{16}):/gm }, { pattern: /(?<=: )([0-9a-f]{16})\b/g, physical: true }]],
  [/^info pci\b/, [{ pattern: /: (?:memory|prefetchable|rom) at (0x[0-9a-f]+) \[(0x[0-9a-f]+)\]/g, physical: true }]],
  [/^info (mtree|map)\b/, [{ pattern: /^(?:mmio )?([0-9a-f]{8,16})-([0-9a-f]{8,16})\b/gm, physical: true }]],
  [/^info tasks\b/, [CR3]],
  [/^info (gdt|ldt|idt|tss)\b/, tables],
  [/^info interrupts\b/, [{ pattern: /\bat (0x[0-9a-f]+): handler (0x[0-9a-f]+)\b/g }]],
  [/^walk\b/, [{ pattern: /^(0x[0-9a-f]+)/g }, { pattern: /(?:\bat|->|\bphysical) (0x[0-9a-f]+)\b/g, physical: true }]],
  [/^trace show\b/, traceRules()],
];
/** What the kinds of event say of their fields. */
function traceRules(): readonly Rule[] {
  const labels = (form: string) => [
    ...new Set(
      Object.values(traceKinds as { readonly [name: string]: TraceKind }).flatMap((kind) =>
        [kind.a, kind.b, kind.c].flatMap((label, n) => (label !== undefined && kind.as?.[n] === form ? [(label.split(/[:,(=]/)[0] as string).trim()] : [])),
      ),
    ),
  ];
  const fields = (form: string) => new RegExp(` (?:${labels(form).join("|")})=(0x[0-9a-f]+)\\b`, "g");
  return [{ pattern: / @(0x[0-9a-f]+)$/gm }, { pattern: fields("physical"), physical: true }, { pattern: fields("linear") }];
}
/** The addresses in what a command printed, in their order. */
export function addressesIn(command: string, text: string): readonly AddressIn[] {
  const line = command.trim().replace(/\s+/g, " ");
  const own = rules.find(([names]) => names.test(line))?.[1] ?? [];
  const found: AddressIn[] = [];
  // What an earlier rule found is not found again.
  const taken = new Uint8Array(own.length > 1 ? text.length : 0);
  for (const { pattern, physical = false } of own)
    for (const match of text.matchAll(new RegExp(pattern.source, `${pattern.flags}d`))) {
      const end = match.index + match[0].length;
      if (taken.subarray(match.index, end).includes(1)) continue;
      taken.fill(1, match.index, end);
      for (const place of (match as unknown as { readonly indices: readonly (readonly [number, number] | undefined)[] }).indices.slice(1))
        if (place) found.push({ from: place[0], to: place[1], address: BigInt(`0x${text.slice(...place).replace(/^0x/, "")}`), physical });
    }
  return found.sort((a, b) => a.from - b.from);
}

// Texts of the page. en.json gives the keys and is the type of t(); zh-CN.json has every key. "?lang=qps" is a pseudo-language that
// prints keys, to find text that was never put here. Faults are translated by code where we have a sentence for it.

import en from "./en.json";
import faultsZh from "./faults.zh-CN.json";
import zh from "./zh-CN.json";

export type Key = keyof typeof en;
export type Language = "en" | "zh-CN" | "qps";
const STORED = "guesthouse.language";
const tables: { readonly [L in Exclude<Language, "qps">]: { readonly [K in Key]: string } } = { en, "zh-CN": zh };
const faults: { readonly [code: string]: readonly FaultVariant[] } = faultsZh;

export function detectLanguage(): Language {
  const asked = new URLSearchParams(location.search).get("lang") ?? localStorage.getItem(STORED);
  for (const tag of [asked, ...navigator.languages]) {
    if (tag === "qps") return "qps";
    if (tag?.toLowerCase().startsWith("zh")) return "zh-CN";
    if (tag?.toLowerCase().startsWith("en")) return "en";
  }
  return "en";
}
export function rememberLanguage(language: Language): void {
  localStorage.setItem(STORED, language);
}
export function translate(language: Language, key: Key, values: { readonly [name: string]: string | number } = {}): string {
  if (language === "qps") return `[${key}]`;
  return filled(tables[language][key], values);
}
const filled = (text: string, values: { readonly [name: string]: string | number }) => text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
/** What a language says of a Fault: the first variant whose `of`, the English sentence with its values in braces, fits; the last one has none. */
interface FaultVariant {
  readonly of?: string;
  readonly sentence: string;
  readonly hint?: string;
}
export interface FaultText {
  readonly sentence: string;
  readonly hint: string | null;
  /** The English sentence, where the translation leaves its values out. */
  readonly original: string | null;
}
export function faultText(language: Language, fault: { readonly code: string; readonly message: string; readonly hint?: string }): FaultText {
  if (language === "qps") return { sentence: `[fault.${fault.code}]`, hint: null, original: null };
  const english = { sentence: fault.message, hint: fault.hint ?? null, original: null };
  if (language === "en") return english;
  for (const { of, sentence, hint = null } of faults[fault.code] ?? []) {
    if (of === undefined) return { sentence, hint, original: fault.message };
    const values = fits(of, fault.message);
    if (values) return { sentence: filled(sentence, values), hint, original: null };
  }
  return english;
}
/** "{a} of {b}" against a sentence: the values, or null. */
function fits(pattern: string, sentence: string): { readonly [name: string]: string } | null {
  const names: string[] = [];
  const source = pattern
    .split(/(\{\w+\})/)
    .map((part) => {
      if (!/^\{\w+\}$/.test(part)) return part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
      names.push(part.slice(1, -1));
      return "(.+?)";
    })
    .join("");
  const found = new RegExp(`^${source}$`, "s").exec(sentence);
  return found && Object.fromEntries(names.map((name, i) => [name, found[i + 1] as string]));
}

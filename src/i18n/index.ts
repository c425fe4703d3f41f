// Texts of the page. en.json gives the keys and is the type of t(); zh-CN.json has every key. "?lang=qps" is a pseudo-language that
// prints keys, to find text that was never put here. Faults are translated by code where we have a sentence for it.

import en from "./en.json";
import faultsZh from "./faults.zh-CN.json";
import zh from "./zh-CN.json";

export type Key = keyof typeof en;
export type Language = "en" | "zh-CN" | "qps";
const STORED = "guesthouse.language";
const tables: { readonly [L in Exclude<Language, "qps">]: { readonly [K in Key]: string } } = { en, "zh-CN": zh };
const faults: { readonly [code: string]: string } = faultsZh;

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
  return tables[language][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
/** The sentence of a fault in this language, or null when only the English original exists. */
export function faultSentence(language: Language, code: string): string | null {
  if (language === "qps") return `[fault.${code}]`;
  return language === "zh-CN" ? (faults[code] ?? null) : null;
}

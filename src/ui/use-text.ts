// t() bound to the language of the page, and numbers as that language writes them.

import { useMemo } from "react";
import { type Key, type Language, translate } from "../i18n/index.ts";
import { useApp } from "../store/index.ts";

export type T = (key: Key, values?: { readonly [name: string]: string | number }) => string;
export function useLanguage(): Language {
  return useApp((s) => s.language) as Language;
}
export function useText(): T {
  const language = useLanguage();
  return useMemo(() => (key, values) => translate(language, key, values), [language]);
}
/** The tag that browsers know the language by; the pseudo-language is English to them. */
export const tagOf = (language: Language): string => (language === "qps" ? "en" : language);
export const dateText = (ms: number, language: Language): string => new Date(ms).toLocaleString(tagOf(language));
/** 9275471 -> "8.8 MiB". */
export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let n = bytes;
  let unit = 0;
  while (n >= 1024 && unit < 3) {
    n /= 1024;
    unit++;
  }
  return `${n >= 100 || unit === 0 ? Math.round(n) : n.toFixed(1)} ${units[unit]}`;
}

// The catalogue of ready guests, read from guests/index.json beside the page. Each row is checked: a broken one is left out.

import { type DomainConfig, domainSchema } from "../contract/domain.ts";

export interface Guest {
  readonly id: string;
  readonly title: { readonly en: string; readonly zh: string };
  readonly summary: { readonly en: string; readonly zh: string };
  readonly config: DomainConfig;
  readonly sizeBytes: number;
}
export async function loadGuests(base: string): Promise<readonly Guest[]> {
  try {
    const response = await fetch(`${base}guests/index.json`);
    if (!response.ok) return [];
    return parseGuests(await response.json());
  } catch {
    return [];
  }
}
export function parseGuests(input: unknown): readonly Guest[] {
  if (!Array.isArray(input)) return [];
  return input.flatMap((row: unknown) => {
    try {
      const { id, title, summary, config, sizeBytes } = row as { [k: string]: unknown };
      return [{ id: String(id), title: texts(title, String(id)), summary: texts(summary, ""), config: domainSchema.parse(config, "config"), sizeBytes: Number(sizeBytes) || 0 }];
    } catch (error) {
      console.warn("guests/index.json: a row was left out:", error);
      return [];
    }
  });
}
function texts(input: unknown, otherwise: string): { readonly en: string; readonly zh: string } {
  const given = (input ?? {}) as { readonly [language: string]: unknown };
  const english = typeof given.en === "string" ? given.en : otherwise;
  const chinese = given["zh-CN"] ?? given.zh;
  return { en: english, zh: typeof chinese === "string" ? chinese : english };
}

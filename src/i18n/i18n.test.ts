// Every language has every key with the same placeholders, and every key that the page uses exists and is used.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const here = import.meta.dirname;
const table = (name: string) => JSON.parse(readFileSync(join(here, name), "utf8")) as { readonly [key: string]: string };
const en = table("en.json");
const zh = table("zh-CN.json");
const holes = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

test("Chinese is complete", () => expect(Object.keys(zh)).toEqual(Object.keys(en)));
test("placeholders agree", () => {
  for (const key of Object.keys(en)) expect(holes(zh[key] ?? ""), key).toEqual(holes(en[key] ?? ""));
});
test("every key is used somewhere", () => {
  const ui = join(here, "../ui");
  const source = readdirSync(ui).map((f) => readFileSync(join(ui, f), "utf8")).join("\n");
  const unused = Object.keys(en).filter((key) => !source.includes(`"${key}"`) && !/^(state|status)\./.test(key));
  expect(unused).toEqual([]);
});

// Parser, help, completion and faults of the monitor, over a fake machine.

import { describe, expect, test } from "vitest";
import { string } from "../../src/contract/schema.ts";
import { command, type MonitorContext } from "./command.ts";
import { createMonitor, splitWords } from "./index.ts";

function context(): MonitorContext & { readonly log: string[] } {
  const log: string[] = [];
  const machine = { state: "running", last: { reason: "start" }, pause: () => log.push("pause"), wake: () => {} };
  return { log, machine, board: { missing: new Map() }, input: { sendKey: (k: string) => log.push(k) }, version: "1" } as unknown as MonitorContext & { log: string[] };
}
describe("monitor", () => {
  test("types and executes", async () => {
    const c = context();
    const m = createMonitor(c);
    expect(await m.type("stop")).toMatchObject({ ok: true });
    expect(await m.type("sendkey ctrl-alt-delete")).toMatchObject({ ok: true, value: "" });
    expect(await m.execute("sendkey", { keys: "a" })).toMatchObject({ ok: true });
    expect(c.log).toEqual(["pause", "ctrl-alt-delete", "a"]);
    expect(await m.type("info status")).toEqual({ ok: true, value: "VM status: running" });
  });
  test("faults are values", async () => {
    const m = createMonitor(context());
    expect(await m.type("fly")).toMatchObject({ ok: false, error: { code: "command.unknown" } });
    expect(await m.type("info weather")).toMatchObject({ ok: false, error: { code: "command.unknown" } });
    expect(await m.type("sendkey")).toMatchObject({ ok: false, error: { code: "schema.invalid" } });
    expect(await m.type("stop now")).toMatchObject({ ok: false, error: { code: "command.argument" } });
    expect(await m.execute("stop", { hard: true })).toMatchObject({ ok: false, error: { code: "command.argument" } });
  });
  test("the last text argument takes the rest of the line", async () => {
    const m = createMonitor(context(), [command({ name: "say", summary: "", args: { what: string("") }, run: (_, a: { what: string }) => a.what })]);
    expect(await m.type("say  hello  world")).toEqual({ ok: true, value: "hello  world" });
    expect(await m.type('say "a b"')).toEqual({ ok: true, value: "a b" });
  });
  test("completes and helps", async () => {
    const m = createMonitor(context());
    expect(m.complete("info s")).toContain("info status");
    expect(m.complete("sys")).toEqual(["system_powerdown", "system_reset", "system_sleep", "system_wakeup"]);
    const help = await m.type("help");
    expect(help.ok && help.value).toContain("sendkey <keys>");
  });
  test("a format may stand against the command's name", async () => {
    const m = createMonitor(context(), [command({ name: "look", summary: "", args: { what: string("") }, run: (_, a: { what: string }) => a.what })]);
    expect(await m.type("look/4wx 0x1000")).toEqual({ ok: true, value: "/4wx 0x1000" });
    expect(await m.type("fly/4")).toMatchObject({ ok: false, error: { code: "command.unknown" } });
  });
  test("words", () => {
    expect(splitWords(`a "b c" 'd'`).map((w) => w.text)).toEqual(["a", "b c", "d"]);
  });
});

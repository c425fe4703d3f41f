import { describe, expect, it } from "vitest";
import { InputHub } from "./input.ts";

describe("input hub", () => {
  const record = () => {
    const hub = new InputHub();
    const seen: string[] = [];
    hub.onKey((code, down) => seen.push(`${down ? "+" : "-"}${code.toString(16)}`));
    return { hub, seen };
  };
  it("presses and releases combinations", () => {
    const { hub, seen } = record();
    hub.sendKey("ctrl-alt-delete");
    expect(seen).toEqual(["+1d", "+38", "+e053", "-e053", "-38", "-1d"]);
    expect(() => hub.sendKey("hyper")).toThrow(/hyper/);
  });
  it("types text", () => {
    const { hub, seen } = record();
    hub.typeText("aZ|/ \n");
    expect(seen.filter((s) => s.startsWith("+"))).toEqual(["+1e", "+2a", "+2c", "+2a", "+2b", "+35", "+39", "+1c"]);
  });
  it("knows the rows of the keyboard", () => {
    const { hub, seen } = record();
    hub.sendKey("backspace-m-f12-spc-caps_lock-f10-kp_7");
    expect(seen.slice(0, 7)).toEqual(["+e", "+32", "+58", "+39", "+3a", "+44", "+47"]);
  });
});

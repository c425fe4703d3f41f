// The key table against known scan codes, and no code given twice.

import { expect, test } from "vitest";
import { scancodes } from "./scancodes.ts";

test.each([
  ["Escape", 0x01], ["Digit1", 0x02], ["Digit0", 0x0b], ["Backspace", 0x0e], ["Tab", 0x0f], ["KeyQ", 0x10], ["KeyP", 0x19], ["Enter", 0x1c], ["ControlLeft", 0x1d], ["KeyA", 0x1e],
  ["KeyL", 0x26], ["Quote", 0x28], ["Backquote", 0x29], ["ShiftLeft", 0x2a], ["Backslash", 0x2b], ["KeyZ", 0x2c], ["KeyM", 0x32], ["Slash", 0x35], ["ShiftRight", 0x36],
  ["NumpadMultiply", 0x37], ["AltLeft", 0x38], ["Space", 0x39], ["CapsLock", 0x3a], ["F1", 0x3b], ["F10", 0x44], ["NumLock", 0x45], ["Numpad7", 0x47], ["Numpad5", 0x4c], ["NumpadDecimal", 0x53],
  ["IntlBackslash", 0x56], ["F11", 0x57], ["F12", 0x58], ["NumpadEnter", 0xe01c], ["ControlRight", 0xe01d], ["NumpadDivide", 0xe035], ["PrintScreen", 0xe037], ["AltRight", 0xe038], ["Home", 0xe047],
  ["ArrowUp", 0xe048], ["PageUp", 0xe049], ["ArrowLeft", 0xe04b], ["ArrowRight", 0xe04d], ["End", 0xe04f], ["ArrowDown", 0xe050], ["PageDown", 0xe051], ["Insert", 0xe052], ["Delete", 0xe053],
  ["MetaLeft", 0xe05b], ["MetaRight", 0xe05c], ["ContextMenu", 0xe05d],
])("%s", (name, code) => expect(scancodes.get(name)).toBe(code));
test("no code twice", () => expect(new Set(scancodes.values()).size).toBe(scancodes.size));

// The keyboard and mouse that stand behind the 8042 when keys come from a program: the monitor's sendkey, the page, tests.
// Key names are QEMU's (`sendkey ctrl-alt-delete`); scan codes are set 1 with 0xE0xx for extended keys.

import { FaultError } from "../../src/contract/schema.ts";
import type { InputBackend } from "../platform/types.ts";

const rows: readonly [first: number, names: string][] = [
  [0x01, "esc 1 2 3 4 5 6 7 8 9 0 minus equal backspace"],
  [0x0f, "tab q w e r t y u i o p bracket_left bracket_right ret ctrl"],
  [0x1e, "a s d f g h j k l semicolon apostrophe grave_accent shift backslash z x c v b n m comma dot slash shift_r asterisk alt spc caps_lock"],
  [0x3b, "f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 num_lock scroll_lock kp_7 kp_8 kp_9 kp_subtract kp_4 kp_5 kp_6 kp_add kp_1 kp_2 kp_3 kp_0 kp_decimal sysrq"],
];
const codes = new Map<string, number>(rows.flatMap(([first, names]) => names.split(" ").map((name, i) => [name, first + i] as const)));
for (const [name, code] of Object.entries({
  less: 0x56, f11: 0x57, f12: 0x58, print: 0xe037, home: 0xe047, up: 0xe048, pgup: 0xe049, left: 0xe04b, right: 0xe04d, end: 0xe04f,
  down: 0xe050, pgdn: 0xe051, insert: 0xe052, delete: 0xe053, kp_enter: 0xe01c, kp_divide: 0xe035, kp_multiply: 0x37, ctrl_r: 0xe01d,
  alt_r: 0xe038, meta_l: 0xe05b, meta_r: 0xe05c, menu: 0xe05d, pause: 0xe11d,
}))
  codes.set(name, code);

/** US layout: character to key, with or without shift. */
const plain = "1234567890-=qwertyuiop[]asdfghjkl;'`\\zxcvbnm,./ \n\t";
const shifted = '!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:"~|ZXCVBNM<>?';
const plainCodes = [
  ...Array.from({ length: 12 }, (_, i) => 0x02 + i), ...Array.from({ length: 12 }, (_, i) => 0x10 + i),
  ...Array.from({ length: 12 }, (_, i) => 0x1e + i), 0x2b, ...Array.from({ length: 10 }, (_, i) => 0x2c + i), 0x39, 0x1c, 0x0f,
];

export class InputHub implements InputBackend {
  private readonly keys: ((scancode: number, down: boolean) => void)[] = [];
  private readonly pointers: ((dx: number, dy: number, dz: number, buttons: number) => void)[] = [];
  onKey(listener: (scancode: number, down: boolean) => void): void {
    this.keys.push(listener);
  }
  onPointer(listener: (dx: number, dy: number, dz: number, buttons: number) => void): void {
    this.pointers.push(listener);
  }
  key(scancode: number, down: boolean): void {
    for (const listener of this.keys) listener(scancode, down);
  }
  pointer(dx: number, dy: number, dz: number, buttons: number): void {
    for (const listener of this.pointers) listener(dx, dy, dz, buttons);
  }
  /** `ctrl-alt-delete`: presses in order, releases in reverse. */
  sendKey(combination: string): void {
    const pressed = combination.split("-").map((name) => {
      const code = codes.get(name);
      if (code === undefined) throw new FaultError("key.unknown", `There is no key called "${name}".`, `Known: ${[...codes.keys()].slice(0, 20).join(", ")}, …`);
      return code;
    });
    for (const code of pressed) this.key(code, true);
    for (const code of pressed.reverse()) this.key(code, false);
  }
  /** Types text on a US keyboard; characters that are not on it are skipped. */
  typeText(text: string): void {
    for (const character of text) {
      const lower = plain.indexOf(character);
      const upper = shifted.indexOf(character);
      const code = lower >= 0 ? plainCodes[lower] : upper >= 0 ? plainCodes[upper] : undefined;
      if (code === undefined) continue;
      const shift = lower < 0;
      if (shift) this.key(0x2a, true);
      this.key(code, true);
      this.key(code, false);
      if (shift) this.key(0x2a, false);
    }
  }
}
export const keyNames: readonly string[] = [...codes.keys()];

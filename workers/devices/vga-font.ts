// An 8x16 font of our own for a machine without a video BIOS, and code page 437 as Unicode.
// Letters are drawn on a 5x7 grid and enlarged; lines, blocks and shades are computed. Glyphs of other codes are a hollow box.

/** Code page 437, one character per code; controls shown as their glyphs, 0 and 255 as spaces. */
export const CP437: readonly string[] = Array.from(
  " ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼" +
    " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~⌂" +
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀" +
    "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ",
);

/** The 5x7 grid, space to tilde: five columns a glyph, bit 0 on top, bit 7 below the line. */
const LETTERS = (
  "0000000000 00005f0000 0007000700 147f147f14 242a7f2a12 2313086462 3649552250 0005030000 001c224100 0041221c00 " +
  "14083e0814 08083e0808 0000b07000 0808080808 0000606000 2010080402 3e5149453e 00427f4000 4261514946 2141454b31 " +
  "1814127f10 2745454539 3c4a494930 0171090503 3649494936 064949291e 0036360000 0056360000 0814224100 1414141414 " +
  "0041221408 0201510906 324979413e 7e1111117e 7f49494936 3e41414122 7f4141221c 7f49494941 7f09090901 3e4149497a " +
  "7f0808087f 00417f4100 2040413f01 7f08142241 7f40404040 7f020c027f 7f0408107f 3e4141413e 7f09090906 3e4151215e " +
  "7f09192946 4649494931 01017f0101 3f4040403f 1f2040201f 3f4038403f 6314081463 0708700807 6151494543 007f414100 " +
  "0204081020 0041417f00 0402010204 8080808080 0001020400 2054545478 7f48444438 3844444420 384444487f 3854545418 " +
  "087e090102 18a4a4a47c 7f08040478 00447d4000 4080847d00 7f10284400 00417f4000 7c04180478 7c08040478 3844444438 " +
  "fc24242418 18242418fc 7c08040408 4854545420 043f444020 3c4040207c 1c2040201c 3c4030403c 4428102844 1ca0a0a07c " +
  "4464544c44 0008364100 00007f0000 0041360800 1008081008"
).split(" ");

/** Arms of the line-drawing characters B3-DA: up, right, down, left; 0 none, 1 single, 2 double. */
const ARMS =
  "1010 1011 1012 2021 0021 0012 2022 2020 0022 2002 2001 1002 0011 1100 1101 0111 1110 0101 1111 1210 2120 2200 0220 " +
  "2202 0222 2220 0202 2222 1202 2101 0212 0121 2100 1200 0210 0120 2121 1212 1001 0110";

function letter(columns: string, into: Uint8Array, at: number): void {
  for (let x = 0; x < 5; x++) {
    const column = Number.parseInt(columns.slice(2 * x, 2 * x + 2), 16);
    for (let y = 0; y < 8; y++) {
      if (!(column & (1 << y))) continue;
      // Upright strokes are two dots wide: legible at nine dots a cell.
      const row = at + (y < 7 ? 1 + Math.floor((y * 11) / 7) : 13);
      const rows = y < 7 ? Math.floor(((y + 1) * 11) / 7) - Math.floor((y * 11) / 7) : 2;
      for (let r = 0; r < rows; r++) into[row + r] = into[row + r]! | (0xc0 >> (x + 1));
    }
  }
}

/** One line-drawing glyph on an 8x16 cell; the ninth dot repeats the eighth. */
function lines(arms: string, into: Uint8Array, at: number): void {
  const [up, right, down, left] = Array.from(arms, Number) as [number, number, number, number];
  const dot = (x: number, y: number) => {
    into[at + y] = into[at + y]! | (0x80 >> x);
  };
  const spread = (weight: number) => (weight === 2 ? [-1, 1] : weight === 1 ? [0] : []);
  for (const dx of spread(up)) for (let y = 0; y <= 7; y++) dot(3 + dx, y);
  for (const dx of spread(down)) for (let y = 7; y < 16; y++) dot(3 + dx, y);
  for (const dy of spread(left)) for (let x = 0; x <= 3; x++) dot(x, 7 + dy);
  for (const dy of spread(right)) for (let x = 3; x < 8; x++) dot(x, 7 + dy);
}

/** 256 glyphs of 16 rows. */
export function makeFont(): Uint8Array {
  const font = new Uint8Array(256 * 16);
  for (let code = 1; code < 255; code++) {
    const at = code * 16;
    if (code === 0x20) continue;
    if (code > 0x20 && code < 0x7f) letter(LETTERS[code - 0x20]!, font, at);
    else if (code >= 0xb3 && code <= 0xda) lines(ARMS.split(" ")[code - 0xb3]!, font, at);
    else if (code >= 0xb0 && code <= 0xb2) {
      const pattern = [[0x11, 0x44], [0x55, 0xaa], [0xdd, 0x77]][code - 0xb0]!;
      for (let y = 0; y < 16; y++) font[at + y] = pattern[y & 1]!;
    } else if (code >= 0xdb && code <= 0xdf) {
      const [bits, from, to] = [[0xff, 0, 16], [0xff, 8, 16], [0xf0, 0, 16], [0x0f, 0, 16], [0xff, 0, 8]][code - 0xdb]! as [number, number, number];
      font.fill(bits, at + from, at + to);
    } else if (code === 0xfe) font.fill(0x3c, at + 5, at + 11);
    else if (code === 0xf9 || code === 0xfa) font.fill(0x18, at + 7, at + 9);
    else for (let y = 3; y < 12; y++) font[at + y] = y === 3 || y === 11 ? 0x7e : 0x42;
  }
  return font;
}

// NASM's syntax for the editor's colours: comments, texts, numbers, registers, directives, the preprocessor, labels, and whatever stands in the place
// of an instruction. It colours and judges nothing: what is right is the assembler's to say.

import { StreamLanguage, type StreamParser } from "@codemirror/language";

const REGISTER = /^(?:[re]?(?:ax|bx|cx|dx|si|di|bp|sp|ip)|[abcd][hl]|(?:si|di|bp|sp)l|r(?:8|9|1[0-5])[dwb]?|[cdefgs]s|[xyz]mm\d+|mm[0-7]|st[0-7]|k[0-7]|[cd]r\d+)$/i;
const DIRECTIVE = /^(?:bits|org|section|segment|global|extern|align|alignb|default|absolute|use16|use32|cpu|struc|endstruc|istruc|iend|at)$/i;
const DATA = /^(?:d[bwdqtoyz]|res[bwdqtoyz]|equ|times|incbin|dup)$/i;
const KEYWORD = /^(?:byte|word|dword|qword|tword|oword|yword|zword|ptr|short|near|far|rel|abs|strict|nosplit|seg|wrt|rep|repe|repz|repne|repnz|lock)$/i;

interface Place {
  /** The instruction of this line was seen. */
  begun: boolean;
}
const nasm: StreamParser<Place> = {
  name: "nasm",
  languageData: { commentTokens: { line: ";" } },
  startState: () => ({ begun: false }),
  token(stream, place) {
    if (stream.sol()) place.begun = false;
    if (stream.eatSpace()) return null;
    if (stream.match(/^;.*/)) return "comment";
    if (stream.match(/^"[^"]*"?|^'[^']*'?|^`(?:\\.|[^`\\])*`?/)) return "string";
    if (stream.match(/^%[%$!]*[\w.$]+/)) return "meta";
    if (stream.match(/^(?:0[xh][\da-f_]+|\$\d[\da-f_]*|\d[\da-f_]*h|[01_]+[by]|[0-7_]+[qo]|\d[\d_]*(?:\.[\d_]*(?:e[+-]?\d+)?)?d?)\b/i)) return "number";
    if (stream.match(/^[\w.$?@~#]+/)) {
      const word = stream.current();
      if (stream.match(/^\s*:/)) return "labelName";
      if (REGISTER.test(word)) return "variableName";
      if (DIRECTIVE.test(word) || DATA.test(word)) {
        if (!/^times$/i.test(word)) place.begun = true;
        return "definitionKeyword";
      }
      if (KEYWORD.test(word)) return "modifier";
      if (!place.begun && /^[a-z]\w*$/i.test(word)) {
        place.begun = true;
        // "name equ 5", "name db 1": a label without its colon.
        return stream.match(/^\s+(?:equ|d[bwdqto]|res[bwdqto])\b/i, false) ? "labelName" : "keyword";
      }
      return null;
    }
    stream.next();
    return null;
  },
};
export const nasmLanguage = StreamLanguage.define(nasm);

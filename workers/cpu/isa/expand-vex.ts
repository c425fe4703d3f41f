// Handlers of VEX rows with vector operands. The semantics are those of the SSE rows: a function on one 128-bit lane. One shared function per
// semantics and width takes the addresses of its operands, runs the lanes, and writes the register whole (VEX.128 clears the upper half);
// the handlers of the register and memory forms only find the addresses. Memory operands that are not in one plain page go through VEX_TEMP.

import { bytesOf, genericType, GUARDS, type Handler, type Operand, slots, typeOf } from "./letters.ts";
import type { Row } from "./row.ts";

const isVector = (o: Operand) => "VHUWL".includes(o.letter);
const isGeneral = (o: Operand) => "GEB".includes(o.letter);

export function vexHandler(row: Row, ops: readonly Operand[], memory: boolean, s: number): Handler {
  const lanes = row.lanes ?? 1;
  const generic = genericType(row, ops, s);
  const slotList = slots(ops, memory);
  const inMemory = (o: Operand) => o.letter === "M" || (memory && (o.letter === "W" || o.letter === "E"));
  const laneType = (o: Operand): string => {
    const t = typeOf(o, s);
    if (!t) throw new Error(`isa: ${row.op} ${row.enc}: operand ${o.text} has no type`);
    return t;
  };
  const bytes = (o: Operand) => (bytesOf[laneType(o)] ?? 16) * (o.shared ? 1 : lanes);
  // The shared function: parameters in operand order.
  const parameters: string[] = [];
  const values: string[] = [];
  const args: string[][] = [];
  let finish = "";
  let probe = "";
  ops.forEach((o, i) => {
    if (o.letter === "I") {
      parameters.push("imm: u8");
      values.push("<u8>load<u64>(r, REC_IMM)");
      args.push(["imm", row.immShift ? `<u8>(imm >> ${row.immShift})` : "imm"]);
      return;
    }
    const writes = o.access !== "r";
    if (isGeneral(o) && !(inMemory(o) && isVector(o))) {
      const t = laneType(o);
      const n = bytesOf[t] ?? 8;
      if (writes) finish = inMemory(o) ? `Mem.write<${t}>(Ea.toWrite(r, ${n}), v);` : `Reg.write<${t}>(r, REC_R${slotList.indexOf(o)}, v);`;
      else {
        parameters.push(`x${i}: ${t}`);
        values.push(inMemory(o) ? `Mem.read<${t}>(Ea.toRead(r, ${n}))` : `Reg.read<${t}>(r, REC_R${slotList.indexOf(o)})`);
        args.push([`x${i}`, `x${i}`]);
      }
      return;
    }
    parameters.push(`p${i}: usize`);
    if (inMemory(o)) {
      const align = row.aligned ? bytes(o) : 1;
      if (writes) {
        values.push("vcpu + VEX_TEMP");
        // MXCSR may not change before the store faults.
        if (row.mxcsr) probe = `Mem.probeWrite(Ea.toWrite(r, ${bytes(o)}), ${bytes(o)});`;
        finish = `vexStore(r, ${bytes(o)}, ${align});`;
      } else values.push(`vexSource(r, ${bytes(o)}, ${align})`);
    } else if (o.letter === "L") values.push("Regs.xmm(<u32>load<u8>(r, REC_IMM) >> 4)");
    else values.push(`Reg.xmm(r, REC_R${slotList.indexOf(o)})`);
    if (o.access !== "w") {
      const t = laneType(o);
      const stride = o.shared ? 0 : (bytesOf[t] ?? 16);
      args.push([`load<${t}>(p${i})`, `load<${t}>(p${i}, ${stride})`]);
    }
  });
  const param = row.param === undefined ? [] : [String(row.param)];
  const call = generic ? `${row.fn}<${generic}>` : row.fn;
  const target = ops.findIndex((o) => o.access !== "r");
  const to = ops[target];
  const guard = row.guard ? GUARDS[row.guard] : "";
  const tail = row.end ? "Chain.last(r);" : "Chain.next(r);";
  const shape = ops.map((o) => `${o.letter === "I" ? "I" : isGeneral(o) ? `g${laneType(o)}` : laneType(o).slice(1)}${o.shared ? "s" : ""}${o.access}`).join("_");
  const variant = [row.fn, generic ?? "", shape, row.param === undefined ? "" : `p${row.param}`, row.order ? `o${row.order.join("")}` : "", row.immShift ? `i${row.immShift}` : "", lanes * 128]
    .filter((x) => x !== "")
    .join("_");
  const name = ["h_vex", variant, memory ? "m" : "r", ops.map((o) => o.letter).join(""), row.aligned ? "a" : "", row.guard ?? ""].filter((x) => x).join("_");
  if (row.addresses) {
    const code = `${guard} ${probe} ${to && isGeneral(to) ? "const v = " : ""}${call}(${[...values, ...param].join(", ")}); ${finish} ${tail}`;
    return { name, body: code };
  }
  const invoke = (lane: number) => {
    const list = args.map((a) => a[lane] ?? "");
    return `${call}(${[...(row.order ? row.order.map((n) => list[n] ?? "") : list), ...param].join(", ")})`;
  };
  const lines: string[] = [];
  let result = "void";
  if (to && isGeneral(to)) {
    if (lanes !== 1) throw new Error(`isa: ${row.op} ${row.enc}: lanes with a general destination`);
    result = laneType(to);
    lines.push(`return ${invoke(0)};`);
  } else if (!to) lines.push(`${invoke(0)};`);
  else {
    const t = laneType(to);
    // A register is written whole, whatever part of it the operand names.
    const type = to.letter === "M" ? t : "v128";
    const hold = row.mxcsr && lanes === 2;
    if (hold) lines.push("holdExceptions();");
    for (let n = 0; n < lanes; n++) lines.push(`const r${n} = ${invoke(n)};`);
    if (hold) lines.push("releaseExceptions();");
    for (let n = 0; n < lanes; n++) lines.push(`store<${type}>(p${target}, r${n}${n ? `, ${n * (bytesOf[type] ?? 16)}` : ""});`);
    if (lanes === 1 && to.letter !== "M") lines.push(`v128.store(p${target}, i64x2.splat(0), 16);`);
  }
  const shared = `v_${variant}${to?.letter === "M" ? "_m" : ""}`;
  return {
    name,
    body: `${guard} ${probe} ${to && isGeneral(to) ? "const v = " : ""}${shared}(${values.join(", ")}); ${finish} ${tail}`,
    shared: { name: shared, text: `function ${shared}(${parameters.join(", ")}): ${result} { ${lines.join(" ")} }` },
  };
}

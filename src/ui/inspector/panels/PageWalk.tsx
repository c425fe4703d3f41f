// The translation of one address drawn level by level: the address cut into its indexes, each table with the entry that was taken and its bits by name,
// and at the end the three addresses of a page: guest-virtual, guest-physical, and the frame of the pool that holds it in this browser tab.

import type { Walk, WalkLevel } from "../../../contract/inspect.ts";
import type { Key } from "../../../i18n/index.ts";
import { inspected, inspectorActions, useInspector } from "../../../store/index.ts";
import { bytesText, useText } from "../../use-text.ts";
import { Address, hex } from "../Address.tsx";
import { AddressField, FaultLine } from "../Editable.tsx";
import { useLook, useMachine } from "../look.ts";

const modes: { readonly [M in Walk["mode"]]: Key } = { off: "insp.walk.off", "32-bit": "insp.walk.32", pae: "insp.walk.pae", "4-level": "insp.walk.4" };
const whys: { readonly [W in NonNullable<Walk["why"]>]: Key } = { absent: "insp.walk.absent", reserved: "insp.walk.reserved", "non-canonical": "insp.walk.nonCanonical" };
const places: { readonly [P in NonNullable<Walk["place"]>["kind"]]: Key } = { ram: "insp.place.ram", rom: "insp.place.rom", device: "insp.place.device", bus: "insp.place.bus" };
/** What a bit means, by its name in the manual. */
const bitTexts: { readonly [bit: string]: Key } = {
  P: "insp.bit.p", "R/W": "insp.bit.rw", "U/S": "insp.bit.us", PWT: "insp.bit.pwt", PCD: "insp.bit.pcd", A: "insp.bit.a", D: "insp.bit.d", PS: "insp.bit.ps", PAT: "insp.bit.pat", G: "insp.bit.g", XD: "insp.bit.xd",
};

export default function PageWalk() {
  const t = useText();
  const { row } = useMachine();
  const at = useInspector((s) => inspected(s, row.id).walk);
  const { value: walk, fault } = useLook<Walk>("walk", { address: at });
  const go = (text: string) => inspectorActions.place(row.id, "walk", /^[0-9a-f]+$/i.test(text) && !/^\d+$/.test(text) ? `0x${text}` : text);
  return (
    <div className="insp-panel" data-testid="panel-walk">
      <AddressField label={t("insp.address")} value={at} onGo={go} testId="walk-address">
        {["$rip", "$rsp", "$cr2"].map((name) => (
          <button key={name} type="button" className="small" aria-pressed={at === name} onClick={() => go(name)} translate="no">
            {name.slice(1).toUpperCase()}
          </button>
        ))}
        {walk && <span className="hint">{t(modes[walk.mode])}</span>}
      </AddressField>
      <FaultLine fault={fault} />
      {walk && (
        <div className="insp-scroll insp-walk">
          <Indexes walk={walk} />
          <ol>
            {walk.levels.map((level) => (
              <Level key={level.name} level={level} top={walk.mode === "pae" && level.name === "PDPT"} />
            ))}
          </ol>
          {walk.why && <p className="insp-walk-end bad">{t(whys[walk.why])}</p>}
          {walk.physical !== null && <End walk={walk} physical={walk.physical} />}
        </div>
      )}
    </div>
  );
}
/** The address in bits, cut where the levels cut it. */
function Indexes({ walk }: { readonly walk: Walk }) {
  const t = useText();
  const bits = walk.mode === "4-level" ? 48 : 32;
  const binary = BigInt.asUintN(bits, walk.linear).toString(2).padStart(bits, "0");
  const cuts = walk.mode === "off" ? [] : walk.mode === "32-bit" ? [10, 10] : walk.mode === "pae" ? [2, 9, 9] : [9, 9, 9, 9];
  const names = walk.mode === "32-bit" ? ["PD", "PT"] : walk.mode === "pae" ? ["PDPT", "PD", "PT"] : ["PML4", "PDPT", "PD", "PT"];
  const used = walk.levels.some((l) => l.leads === "page") ? walk.levels.length : cuts.length;
  let from = 0;
  const parts = cuts.slice(0, used).map((length, n) => {
    const part = { name: names[n] as string, text: binary.slice(from, from + length) };
    from += length;
    return part;
  });
  return (
    <div className="insp-indexes" translate="no">
      <span className="piece whole">
        <small translate="yes">{t("insp.walk.linear")}</small>
        <Address at={walk.linear} digits={walk.mode === "4-level" ? 16 : 8} />
      </span>
      {parts.map((p) => (
        <span key={p.name} className="piece">
          <small>{p.name}</small>
          {p.text}
          <b>{Number.parseInt(p.text, 2)}</b>
        </span>
      ))}
      <span className="piece">
        <small translate="yes">{t("insp.walk.offset")}</small>
        {binary.slice(from)}
        <b>0x{Number.parseInt(binary.slice(from) || "0", 2).toString(16)}</b>
      </span>
    </div>
  );
}
function Level({ level, top }: { readonly level: WalkLevel; readonly top: boolean }) {
  const t = useText();
  return (
    <li className={level.leads} translate="no" data-level={level.name}>
      <span className="name">{level.name}</span>
      <span>
        <small translate="yes">{t("insp.walk.table")}</small> <Address at={level.table} physical text={`0x${hex(level.table)}`} />
      </span>
      <span>
        [{level.index}] <small translate="yes">{t("insp.walk.at")}</small> <Address at={level.at} physical text={`0x${hex(level.at)}`} />
      </span>
      <span>
        = <b className="entry">{hex(level.entry, level.bytes * 2)}</b>
      </span>
      <span className="bits">
        {level.bits.map((bit) => (
          <abbr key={bit} title={t(bitTexts[bit] ?? "insp.bit.p")}>
            {bit}
          </abbr>
        ))}
      </span>
      {top && <small translate="yes">{t("insp.walk.pdpte")}</small>}
      {level.target !== null && (
        <span className="leads">
          → <Address at={level.target} physical text={`0x${hex(level.target)}`} />
        </span>
      )}
    </li>
  );
}
function End({ walk, physical }: { readonly walk: Walk; readonly physical: bigint }) {
  const t = useText();
  const { place, rights } = walk;
  return (
    <div className="insp-walk-end" data-testid="walk-end">
      <dl translate="no">
        <div>
          <dt title={t("insp.walk.gvaHint")}>GVA</dt>
          <dd>
            <Address at={walk.linear} text={`0x${hex(walk.linear)}`} />
          </dd>
        </div>
        <div>
          <dt title={t("insp.walk.gpaHint")}>GPA</dt>
          <dd data-testid="walk-physical">
            <Address at={physical} physical text={`0x${hex(physical)}`} />
          </dd>
        </div>
        <div>
          <dt title={t("insp.walk.hpaHint")}>HPA</dt>
          <dd>{place?.frame == null ? "–" : `0x${hex(place.frame + Number(physical & 0xfffn))}`}</dd>
        </div>
      </dl>
      <p>
        {place && t(places[place.kind])}
        {walk.pageBytes > 0 && <> · {t("insp.walk.page", { size: bytesText(walk.pageBytes) })}</>}
        {rights && (
          <>
            {" · "}
            {t(rights.user ? "insp.walk.user" : "insp.walk.kernel")}, {t(rights.write ? "insp.walk.writable" : "insp.walk.readOnly")}, {t(rights.execute ? "insp.walk.executable" : "insp.walk.noExecute")}
          </>
        )}
        {place?.packed && <> · {t("insp.walk.packed")}</>}
        {place?.dirty && <> · {t("insp.walk.dirty")}</>}
      </p>
    </div>
  );
}

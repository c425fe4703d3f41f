// What answers where: RAM, ROM, memory and registers of devices in guest-physical space, as the processor sees it now.

import type { MachineMap, Place } from "../../../contract/inspect.ts";
import type { Key } from "../../../i18n/index.ts";
import { bytesText, useText } from "../../use-text.ts";
import { Address, hex } from "../Address.tsx";
import { FaultLine } from "../Editable.tsx";
import { useLook } from "../look.ts";

const kinds: { readonly [P in Place["kind"]]: Key } = { ram: "insp.place.ram", rom: "insp.place.rom", device: "insp.place.device", bus: "insp.map.registers" };
export default function MemoryMap() {
  const t = useText();
  const { value, fault } = useLook<MachineMap>("info map", {}, 2000);
  return (
    <div className="insp-scroll" data-testid="panel-map">
      <FaultLine fault={fault} />
      <table className="insp-table insp-map">
        <tbody translate="no">
          {value?.memory.map((r) => (
            <tr key={r.from} className={r.kind}>
              <td>
                <Address at={BigInt(r.from)} physical digits={10} />–{hex(r.to, 10)}
              </td>
              <td className="number">{bytesText(r.to - r.from + 1)}</td>
              <td translate="yes">
                {t(kinds[r.kind])}
                {!r.writable && ` (${t("insp.walk.readOnly")})`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <h4 className="insp-note">{t("insp.map.ports")}</h4>
      <p translate="no" className="insp-mono insp-note">
        {value?.ports.map((p) => (p.from === p.to ? hex(p.from, 4) : `${hex(p.from, 4)}-${hex(p.to, 4)}`)).join("  ")}
      </p>
    </div>
  );
}

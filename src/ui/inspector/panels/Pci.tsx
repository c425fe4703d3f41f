// PCI bus 0 as a tree of functions with their base addresses, in the order of lspci.

import type { PciFunctionInfo } from "../../../contract/inspect.ts";
import type { Key } from "../../../i18n/index.ts";
import { bytesText, useText } from "../../use-text.ts";
import { Address, hex } from "../Address.tsx";
import { FaultLine } from "../Editable.tsx";
import { useLook } from "../look.ts";

/** PCI Local Bus 3.0, appendix D, by base class and subclass where it tells more. */
const classes: { readonly [code: string]: Key } = {
  "01": "insp.pci.storage", "0101": "insp.pci.ide", "02": "insp.pci.network", "03": "insp.pci.display", "04": "insp.pci.multimedia", "06": "insp.pci.bridge", "0600": "insp.pci.host", "0601": "insp.pci.isa",
  "07": "insp.pci.communication", "08": "insp.pci.system", "0c": "insp.pci.serial",
};
export default function Pci() {
  const t = useText();
  const { value, fault } = useLook<readonly PciFunctionInfo[]>("info pci", {}, 1000);
  return (
    <div className="insp-scroll" data-testid="panel-pci">
      <FaultLine fault={fault} />
      <ul className="insp-tree">
        {value?.map((f) => {
          const name = `00:${hex(f.slot, 2)}.${f.function}`;
          return (
            <li key={name} data-pci={name} data-ids={`${hex(f.vendor, 4)}:${hex(f.device, 4)}`} data-class={hex((f.classCode << 8) | f.progIf, 6)}>
              <b translate="no">{name}</b> {t(classes[hex(f.classCode, 4)] ?? classes[hex(f.classCode >> 8, 2)] ?? "insp.pci.other")}{" "}
              <span translate="no" className="insp-mono">
                {f.id} · {hex(f.vendor, 4)}:{hex(f.device, 4)} · {hex(f.classCode, 4)}
                {f.irqPin > 0 && ` · INT${String.fromCharCode(64 + f.irqPin)} → IRQ ${f.irqLine}`}
              </span>
              <span className="pill" title={t("insp.pci.command")} translate="no">
                {[f.command & 1 ? "I/O" : "", f.command & 2 ? "MEM" : "", f.command & 4 ? "DMA" : ""].filter((x) => x).join(" ") || "–"}
              </span>
              {f.bars.length > 0 && (
                <ul>
                  {f.bars.map((b) => (
                    <li key={b.index} translate="no" className="insp-mono" data-bar={b.index} data-at={b.at}>
                      BAR{b.index} {b.kind === "io" ? "I/O" : "MEM"} {b.at < 0 ? <span translate="yes">{t("insp.pci.unmapped")}</span> : b.kind === "io" ? `0x${hex(b.at, 4)}` : <Address at={BigInt(b.at)} physical text={`0x${hex(b.at)}`} />} ({bytesText(b.length)})
                    </li>
                  ))}
                </ul>
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

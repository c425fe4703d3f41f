// The line between a machine and its inspector: dragged, or moved with the arrow keys (WAI-ARIA window splitter). Part of the page's own code, since the
// library of the inspector's panels is fetched only when the inspector is opened.

import { useRef } from "react";

export function Splitter({ label, share, onShare }: { readonly label: string; readonly share: number; onShare(share: number): void }) {
  const line = useRef<HTMLDivElement>(null);
  const move = (clientX: number) => {
    const box = line.current?.parentElement?.getBoundingClientRect();
    if (box && box.width > 0) onShare((box.right - clientX) / box.width);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: an <hr> cannot be moved
    <div
      ref={line}
      className="splitter"
      role="separator"
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={Math.round(share * 100)}
      aria-valuemin={20}
      aria-valuemax={85}
      tabIndex={0}
      onPointerDown={(e) => e.currentTarget.setPointerCapture(e.pointerId)}
      onPointerMove={(e) => e.currentTarget.hasPointerCapture(e.pointerId) && move(e.clientX)}
      onKeyDown={(e) => {
        const step = e.key === "ArrowLeft" ? 0.03 : e.key === "ArrowRight" ? -0.03 : 0;
        if (step) onShare(share + step);
        else if (e.key === "Home") onShare(0.2);
        else if (e.key === "End") onShare(0.85);
        else return;
        e.preventDefault();
      }}
    />
  );
}

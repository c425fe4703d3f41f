// A button with a menu (WAI-ARIA menu button pattern): arrows, Home, End, Escape, letters; focus goes back to the button. Drawn above everything with
// the browser's own popover layer, so that no panel cuts it off.

import { type ReactNode, useEffect, useId, useRef, useState } from "react";

export interface MenuItem {
  readonly label: string;
  /** For items that are on or off. */
  readonly checked?: boolean;
  readonly testId?: string;
  act(): void;
}
/** The items of a menu, below the element that it belongs to; `onClose`: focus is to go back there, or has gone elsewhere. */
export function MenuBox({ anchor, id, items, onClose }: { readonly anchor: HTMLElement; readonly id: string; readonly items: readonly MenuItem[]; onClose(back: boolean): void }) {
  const menu = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = menu.current;
    if (!box) return;
    const at = anchor.getBoundingClientRect();
    const view = box.ownerDocument.defaultView ?? window;
    box.showPopover();
    const size = box.getBoundingClientRect();
    box.style.left = `${Math.max(4, Math.min(at.left, view.innerWidth - size.width - 4))}px`;
    box.style.top = `${at.bottom + size.height + 4 > view.innerHeight ? Math.max(4, at.top - size.height - 2) : at.bottom + 2}px`;
    (box.querySelector("[role^=menuitem]") as HTMLElement | null)?.focus();
  }, [anchor]);
  const onKey = (event: React.KeyboardEvent) => {
    event.stopPropagation();
    const all = [...(menu.current?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
    const at = all.indexOf(menu.current?.ownerDocument.activeElement as HTMLElement);
    const go = (n: number) => {
      event.preventDefault();
      all[(n + all.length) % all.length]?.focus();
    };
    if (event.key === "ArrowDown") go(at + 1);
    else if (event.key === "ArrowUp") go(at - 1);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(-1);
    else if (event.key === "Escape" || event.key === "Tab") onClose(true);
    else if (event.key.length === 1 && event.key !== " ") {
      const next = [...all.slice(at + 1), ...all.slice(0, at + 1)].find((e) => e.textContent?.trim().toLowerCase().startsWith(event.key.toLowerCase()));
      next?.focus();
    }
    if (event.key === "Escape") event.preventDefault();
  };
  return (
    <div ref={menu} id={id} role="menu" tabIndex={-1} popover="manual" className="insp-menu" onKeyDown={onKey} onBlur={(e) => !e.currentTarget.contains(e.relatedTarget) && onClose(false)}>
      {items.map((item) => (
        <button
          key={item.label}
          type="button"
          {...(item.checked === undefined ? { role: "menuitem" } : { role: "menuitemcheckbox", "aria-checked": item.checked })}
          tabIndex={-1}
          {...(item.testId ? { "data-testid": item.testId } : {})}
          onClick={() => {
            onClose(true);
            item.act();
          }}
        >
          {item.label}
        </button>
      ))}
    </div>
  );
}
export function Menu({ label, className, title, items, translated = true, testId, children }: {
  readonly label?: string;
  readonly className?: string;
  readonly title?: string;
  readonly items: () => readonly MenuItem[];
  readonly translated?: boolean;
  readonly testId?: string;
  readonly children: ReactNode;
}) {
  const [shown, setShown] = useState<readonly MenuItem[] | null>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const close = (back: boolean) => {
    setShown(null);
    if (back) button.current?.focus();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        className={className}
        aria-haspopup="menu"
        aria-expanded={shown !== null}
        aria-controls={shown ? id : undefined}
        {...(label ? { "aria-label": label } : {})}
        {...(title ? { title } : {})}
        {...(testId ? { "data-testid": testId } : {})}
        onClick={() => (shown ? close(true) : setShown(items()))}
      >
        {translated ? children : <span translate="no">{children}</span>}
      </button>
      {shown && button.current && <MenuBox anchor={button.current} id={id} items={shown} onClose={close} />}
    </>
  );
}

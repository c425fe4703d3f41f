// A light of a register's bit: green for a request, amber for service, a grey square for a mask.

export function Light({ on, kind, title }: { readonly on: boolean; readonly kind: "irr" | "isr" | "imr"; readonly title?: string }) {
  return (
    <span className={`light ${kind}${on ? " on" : ""}`} {...(title ? { title } : {})}>
      <span className="visually-hidden">{on ? 1 : 0}</span>
    </span>
  );
}

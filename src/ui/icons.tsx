// The icons, as strokes on a 20 x 20 grid. Always beside a text or a label: hidden from screen readers.

const paths = {
  play: "M6 4l10 6-10 6z",
  pause: "M7 4v12M13 4v12",
  reset: "M16 10a6 6 0 1 1-2-4.5M14.5 2.5v3.4h-3.4",
  power: "M10 3v7M6 5.5a6 6 0 1 0 8 0",
  keys: "M2.5 5.5h15v9h-15zM5.5 8.5h.01M8.5 8.5h.01M11.5 8.5h.01M14.5 8.5h.01M6.5 11.5h7",
  full: "M3 7.5V3h4.5M12.5 3H17v4.5M17 12.5V17h-4.5M7.5 17H3v-4.5",
  camera: "M3 6.5h3L7.2 4.5h5.6L14 6.5h3v9H3zM10 8.2a2.6 2.6 0 1 0 .01 0z",
  link: "M8.3 11.7l3.4-3.4M9 6l1.6-1.6a3.5 3.5 0 0 1 5 5L14 11M11 14l-1.6 1.6a3.5 3.5 0 0 1-5-5L6 9",
  copy: "M7 7h10v10H7zM13 7V3H3v10h4",
  plus: "M10 4v12M4 10h12",
  close: "M5 5l10 10M15 5L5 15",
  trash: "M4 6h12M8 6V4h4v2M5.5 6l.8 10h7.4l.8-10",
  menu: "M3 5.5h14M3 10h14M3 14.5h14",
  screen: "M2.5 4h15v9.5h-15zM7 16.5h6",
  serial: "M3 4h14v12H3zM6 8l2.5 2L6 12M10 12.5h4",
  monitor: "M4 6l3 3-3 3M9 13h7",
  settings: "M3 6h8M15 6h2M3 14h2M9 14h8M13 4v4M7 12v4",
  home: "M3 9.5L10 4l7 5.5M5 8.5V16h10V8.5",
  disk: "M4 3h9l3 3v11H4zM7 3v4h5V3M7 17v-5h6v5",
  file: "M5 2.5h6.5L15 6v11.5H5zM11.5 2.5V6H15",
  clipboard: "M6.5 4.5H5V17h10V4.5h-1.5M7.5 3h5v3h-5z",
  sun: "M10 6.5a3.5 3.5 0 1 0 .01 0zM10 1.8v1.7M10 16.5v1.7M1.8 10h1.7M16.5 10h1.7M4.2 4.2l1.2 1.2M14.6 14.6l1.2 1.2M4.2 15.8l1.2-1.2M14.6 5.4l1.2-1.2",
  lesson: "M3 4.5c2.5-.8 5-.6 7 1 2-1.6 4.5-1.8 7-1v11c-2.5-.8-5-.6-7 1-2-1.6-4.5-1.8-7-1zM10 5.5v11",
  check: "M4 10.5l4 4 8-9",
  help: "M10 2.8a7.2 7.2 0 1 0 .01 0zM7.9 8a2.1 2.1 0 1 1 3 1.9c-.6.3-.9.7-.9 1.4v.3M10 14.2h.01",
  inspect: "M8.5 3.5a5 5 0 1 0 .01 0zM12.2 12.2L17 17M8.5 6.5v4M6.5 8.5h4",
  stepIn: "M10 2.5v8M6.8 7.5L10 10.7l3.2-3.2M10 15.5h.01",
  stepOver: "M3 10a7 7 0 0 1 13-2M16.5 3.5V8H12M10 15.5h.01",
  stepOut: "M10 11V3M6.8 6L10 2.8 13.2 6M10 15.5h.01",
  toInterrupt: "M11 2.5L5 11h4.5l-1 6.5L15 9h-4.5z",
  stepBack: "M15 5v10M12.5 10H4M7 6.5L3.5 10 7 13.5",
  runBack: "M14 4L4 10l10 6z",
  sound: "M3 7.5h3L10 4v12l-4-3.5H3zM12.5 7.5a3.5 3.5 0 0 1 0 5M14.7 5.2a6.5 6.5 0 0 1 0 9.6",
  mute: "M3 7.5h3L10 4v12l-4-3.5H3zM12.8 8l4 4M16.8 8l-4 4",
  mouse: "M10 2.5a4.5 4.5 0 0 0-4.5 4.5v6a4.5 4.5 0 0 0 9 0V7A4.5 4.5 0 0 0 10 2.5zM10 5.5v3",
} as const;
export type IconName = keyof typeof paths;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 20 20" width="18" height="18" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}

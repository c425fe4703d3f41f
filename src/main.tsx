// Entry of the page: makes sure that shared memory is there, loads the person's lists, draws the app.

import { createRoot } from "react-dom/client";
import { detectLanguage } from "./i18n/index.ts";
import { ensureIsolated } from "./isolation.ts";
import { actions, controller } from "./store/index.ts";
import { App } from "./ui/App.tsx";
import { Blocked } from "./ui/Blocked.tsx";
import { startPump } from "./ui/terminals.ts";
import "./ui/style.css";

const root = createRoot(document.getElementById("root") as HTMLElement);
actions.language(detectLanguage());

const isolation = await ensureIsolated();
if (isolation === "isolated") {
  startPump();
  addEventListener("hashchange", () => void controller.openFragment(location.hash));
  root.render(<App />);
  void controller.load();
} else if (isolation !== "reloading") root.render(<Blocked why={isolation} />);

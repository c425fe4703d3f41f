// Entry of the page: makes sure that shared memory is there, loads the person's lists, draws the app.

import { createRoot } from "react-dom/client";
import { detectLanguage } from "./i18n/index.ts";
import { ensureIsolated } from "./isolation.ts";
import { actions, controller } from "./store/index.ts";
import { App, MachineView } from "./ui/App.tsx";
import { Blocked } from "./ui/Blocked.tsx";
import { whenIdle } from "./ui/tasks.ts";
import "./ui/style.css";

const root = createRoot(document.getElementById("root") as HTMLElement);
actions.language(detectLanguage());

const isolation = await ensureIsolated();
if (isolation === "isolated") {
  addEventListener("hashchange", () => void controller.openFragment(location.hash));
  root.render(<App />);
  void controller.load().then(() => whenIdle(() => void MachineView.fetch()));
} else if (isolation !== "reloading") root.render(<Blocked why={isolation} />);

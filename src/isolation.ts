// Shared memory needs a cross-origin isolated page. Where the server does not send the headers, a service worker of ours adds them and
// the page reloads once; it never loops. Says why when isolation is impossible.

export type Isolation = "isolated" | "reloading" | "insecure" | "no-service-worker" | "refused";

const WAIT_MS = 5000;
const TRIED = "guesthouse.isolation-tried";

export async function ensureIsolated(): Promise<Isolation> {
  if (crossOriginIsolated) {
    sessionStorage.removeItem(TRIED);
    return "isolated";
  }
  if (!isSecureContext) return "insecure";
  if (!("serviceWorker" in navigator)) return "no-service-worker";
  try {
    await navigator.serviceWorker.register(new URL("sw.js", document.baseURI));
    // Where service workers are switched off, `ready` never comes.
    const ready = await Promise.race([navigator.serviceWorker.ready, new Promise<null>((resolve) => setTimeout(() => resolve(null), WAIT_MS))]);
    if (!ready) return "no-service-worker";
  } catch {
    return "no-service-worker";
  }
  if (sessionStorage.getItem(TRIED)) return "refused";
  sessionStorage.setItem(TRIED, "1");
  location.reload();
  return "reloading";
}

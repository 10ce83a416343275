// Threads need a page that is cross-origin isolated. Where the host does not send the headers for it, a
// service worker of the site adds them.

/** Milliseconds that a visitor waits for it at most. */
const PATIENCE = 2000;

/**
 * Whether the page must be loaded again to become isolated. False where it is already, where a browser has no
 * service workers, and where one is at work and does not help.
 */
export async function needsReload(): Promise<boolean> {
  if (crossOriginIsolated || !isSecureContext || !navigator.serviceWorker) return false;
  if (navigator.serviceWorker.controller) return false;
  const controlled = new Promise<boolean>((resolve) => {
    navigator.serviceWorker.addEventListener('controllerchange', () => resolve(true), { once: true });
    setTimeout(() => resolve(false), PATIENCE);
  });
  try {
    await navigator.serviceWorker.register(new URL('./isolate.js', document.baseURI));
  } catch {
    return false; // one thread, as the engine then says
  }
  return controlled;
}

// Long work on the page's thread is cut into tasks, so that the page answers between them.

export const breathe = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
